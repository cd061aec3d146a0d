// One page and its hashed files, all from the gateway itself. Every address is relative, so that the page works behind a proxy
// under any prefix: the page is at <prefix>/graphql, its files under <prefix>/graphql/assets (gateway/web/graphiql.py).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';
import { francais } from './francais.js';

// Each file is compressed once, here: none of them holds a secret, nor anything that a caller says.
const comprime = {
  name: 'comprime',
  writeBundle({ dir }, fichiers) {
    Object.entries(fichiers)
      .filter(([nom]) => nom.startsWith('assets/'))
      .forEach(([nom, { code, source }]) => writeFileSync(join(dir, `${nom}.gz`), gzipSync(code ?? source, { level: 9 })));
  },
};

export default defineConfig({
  base: './',
  plugins: [francais(), comprime],
  experimental: {
    renderBuiltUrl: (fichier, { hostType }) => (hostType === 'html' ? `graphql/${fichier}` : { relative: true }),
  },
  build: { outDir: '../dist', emptyOutDir: true, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 8000 },
  worker: { format: 'es' },
});
