// Beside each built file, the same compressed once and for all: nothing is compressed while a request waits. These files hold
// no secret and echo nothing; answers of the graph, which do, are never compressed (docs/decisions/0068).
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dossier = new URL('../dist/assets/', import.meta.url);
for (const nom of readdirSync(dossier)) {
  const octets = readFileSync(new URL(nom, dossier));
  if (octets.length < 1024) continue;
  writeFileSync(new URL(`${nom}.br`, dossier), brotliCompressSync(octets));
  writeFileSync(new URL(`${nom}.gz`, dossier), gzipSync(octets, { level: 9 }));
}
