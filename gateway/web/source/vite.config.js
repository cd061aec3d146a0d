// One page and its hashed files, all from the gateway itself. Every address is relative, so that the page works behind a proxy
// under any prefix: the page is at <prefix>/graphql, its files under <prefix>/graphql/assets (gateway/web/graphiql.py).
import { defineConfig } from 'vite';
import { francais } from './francais.js';

export default defineConfig({
  base: './',
  plugins: [francais()],
  experimental: {
    renderBuiltUrl: (fichier, { hostType }) => (hostType === 'html' ? `graphql/${fichier}` : { relative: true }),
  },
  build: { outDir: '../dist', emptyOutDir: true, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 8000 },
  worker: { format: 'es' },
});
