// Toutes les ruptures de mon périmètre, page par page, et ce qui manque à la réponse.
import { ceQuiManque, demander } from './passerelle.js';

const RUPTURES = `
query Ruptures($first: Int!, $after: String) {
  ruptures(first: $first, after: $after, tri: PRIORITE) {
    totalCount
    complet
    pageInfo { hasNextPage endCursor }
    nodes { id date jeune { id prenom nom } }
  }
}
`;

interface Ruptures {
  ruptures: {
    totalCount: number;
    complet: boolean;
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
    nodes: { id: string; date: string }[];
  };
}

const lues: { id: string; date: string }[] = [];
const manques = new Set<string>();
let complet = true;
let after: string | null = null;
let liste: Ruptures['ruptures'];
do {
  const reponse = await demander<Ruptures>({ query: RUPTURES, variables: { first: 10, after } });
  liste = reponse.data.ruptures;
  lues.push(...liste.nodes);
  ceQuiManque(reponse).forEach((phrase) => manques.add(phrase));
  complet &&= liste.complet;
  after = liste.pageInfo.endCursor;
} while (liste.pageInfo.hasNextPage);

for (const { date, id } of lues) console.log(date, id);
console.log(`${lues.length} ruptures lues sur ${liste.totalCount}, liste ${complet ? 'complète' : 'incomplète'}`);
for (const phrase of [...manques].sort()) console.log(phrase);
