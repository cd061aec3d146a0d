// Un document de confiance : son texte est chez l'exploitant (`documents.json`), la requête n'en envoie que l'empreinte.
import { readFileSync } from 'node:fs';
import { demander, Refus } from './passerelle.js';

interface Ruptures {
  ruptures: { totalCount: number; nodes: unknown[] };
}

const manifeste = JSON.parse(readFileSync(new URL('../../documents.json', import.meta.url), 'utf8')) as Record<string, string>;
const [documentId] = Object.keys(manifeste);
const { data } = await demander<Ruptures>({ documentId, variables: { first: 2 } });
console.log(`par empreinte : ${data.ruptures.nodes.length} ruptures sur ${data.ruptures.totalCount}`);
try {
  await demander({ query: '{ moi { profil } }' });
  console.log("par texte : accepté, ce client n'est pas tenu aux documents de confiance");
} catch (erreur) {
  if (!(erreur instanceof Refus)) throw erreur;
  console.log(`par texte : ${erreur.code}`);
}
