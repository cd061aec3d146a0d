// Un `null` veut dire trois choses : personne ne le dit, vous ne le lisez pas, ou une source n'a pas répondu.
import { demander, type Reponse } from './passerelle.js';

const JEUNES = '{ jeunes(first: 3) { complet edges { node { id courriel ine } } } }';
const CHAMPS = ['courriel', 'ine'] as const;

interface Jeunes {
  jeunes: { edges: { node: { id: string; courriel: string | null; ine: string | null } }[] };
}

/** Pourquoi la valeur à ce chemin est nulle. */
function pourquoi({ errors = [] }: Reponse<unknown>, chemin: (string | number)[]): string {
  const refus = errors.find(({ path }) => path?.join() === chemin.join());
  if (refus) return `refusé (${refus.extensions.code})`;
  const manque = errors.some(({ extensions: { code } }) => code.startsWith('SOURCE_'));
  return manque ? 'inconnu : une source manque' : 'inconnu des sources';
}

const reponse = await demander<Jeunes>({ query: JEUNES });
reponse.data.jeunes.edges.forEach(({ node }, rang) => {
  for (const champ of CHAMPS) {
    if (node[champ] === null) console.log(node.id, champ, ':', pourquoi(reponse, ['jeunes', 'edges', rang, 'node', champ]));
  }
});
