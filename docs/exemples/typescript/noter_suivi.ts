// Noter un suivi, et savoir ce qu'il devient : la clé rend l'écriture sûre à redire.
import { randomUUID } from 'node:crypto';
import { demander } from './passerelle.js';

const PREMIER = '{ jeunes(first: 1) { nodes { id suivi { version } } } }';
const NOTER = `
mutation Noter($saisie: SaisieSuivi!) {
  noterSuivi(saisie: $saisie) {
    ecriture { id etat rejouee }
    erreurs { code champ message }
  }
}
`;

interface Note {
  noterSuivi: {
    ecriture: { id: string; etat: string; rejouee: boolean } | null;
    erreurs: { code: string; champ: string | null; message: string }[];
  };
}

const { data } = await demander<{ jeunes: { nodes: { id: string }[] } }>({ query: PREMIER });
const jeune = data.jeunes.nodes[0]?.id;
// Choisie avant le premier envoi et gardée : après une coupure, redire la même requête n'écrit pas deux fois.
const saisie = { cle: randomUUID(), jeune, situation: 'RDV_PRIS', commentaire: 'Rendez-vous mardi' };
for (let fois = 0; fois < 2; fois += 1) {
  const { noterSuivi } = (await demander<Note>({ query: NOTER, variables: { saisie } })).data;
  for (const { champ, message } of noterSuivi.erreurs) console.log(`à corriger : ${champ} : ${message}`);
  if (noterSuivi.ecriture) console.log(`${noterSuivi.ecriture.etat}, ${noterSuivi.ecriture.rejouee ? 'déjà reçue' : 'nouvelle'}`);
}
const refusee = { ...saisie, cle: randomUUID(), situation: 'AUTRE' }; // AUTRE demande de dire laquelle
const { noterSuivi } = (await demander<Note>({ query: NOTER, variables: { saisie: refusee } })).data;
for (const { code, champ } of noterSuivi.erreurs) console.log(`à corriger : ${code}, ${champ}`);
