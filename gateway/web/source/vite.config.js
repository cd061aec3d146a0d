// One page and its hashed files, all from the gateway itself; `base` is where gateway/web/pages.py serves them.
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/graphql/',
  build: { outDir: '../dist', emptyOutDir: true, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 8000 },
  worker: { format: 'es' },
});
