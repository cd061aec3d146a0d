// One page and its hashed files, without a script or a style inside the page: the policy of who serves it allows neither.
import { defineConfig } from 'vite';

export default defineConfig({
  build: { outDir: 'dist', emptyOutDir: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { port: 8030, strictPort: true },
});
