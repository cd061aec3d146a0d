// What an answer is worth, in sentences: whole or partial, which sources it comes from and how old, what was refused and why.
const REFUS = new Set(['CHAMP_REFUSE', 'FINALITE_REQUISE', 'ARGUMENT_REFUSE']);
const LIGNES = 10;

function duree(secondes) {
  if (secondes < 60) return `${Math.round(secondes)} s`;
  if (secondes < 3600) return `${Math.round(secondes / 60)} min`;
  return secondes < 172800 ? `${Math.round(secondes / 3600)} h` : `${Math.round(secondes / 86400)} jours`;
}

function source({ nom, ageSecondes, cache, partiel }) {
  if (ageSecondes == null) return `${nom} : ${partiel ? 'n’a pas répondu' : 'rien à dire'}`;
  const copie = cache === 'moisson' ? 'copie relevée il y a' : 'données d’il y a';
  return `${nom} : ${copie} ${duree(ageSecondes)}${partiel ? ', n’a pas répondu depuis' : ''}`;
}

// [path, why] of each refusal, once: `extensions.refus` holds all of them where the gateway gives it.
function refuses(errors, extensions) {
  const raisons = new Map();
  const chemin = (morceaux) => (morceaux ?? []).filter((morceau) => typeof morceau === 'string').join('.');
  errors
    .filter((une) => REFUS.has(une.extensions?.code))
    .forEach((une) => raisons.set(chemin(une.path ?? une.extensions.chemin), une.message));
  (extensions.refus ?? []).forEach((refus) => {
    if (!raisons.has(chemin(refus.chemin))) raisons.set(chemin(refus.chemin), refus.code);
  });
  return [...raisons];
}

function abreger(lignes) {
  const reste = lignes.length - LIGNES;
  return reste > 0 ? [...lignes.slice(0, LIGNES), `et ${reste} de plus`] : lignes;
}

// { ton, resume, sources, details }
export function compteRendu(statut, { data, errors = [], extensions = {} }) {
  const sources = extensions.sources ?? [];
  const manque = [...new Set(errors.filter((une) => une.extensions?.source).map((une) => une.extensions.source))];
  const refus = refuses(errors, extensions);
  const autres = errors.filter((une) => !une.extensions?.source && !REFUS.has(une.extensions?.code));
  const details = [
    ...errors.filter((une) => une.extensions?.source).map((une) => `${une.extensions.source} : ${une.message}`),
    ...refus.map(([ou, raison]) => (ou ? `${ou} : ${raison}` : raison)),
    ...autres.map((une) => une.message),
  ];
  const [ton, resume] = juger({ data, manque, refus, autres, statut, preparation: extensions.preparation });
  return { ton, resume, sources: sources.map(source), details: abreger([...new Set(details)]) };
}

function juger({ data, manque, refus, autres, statut, preparation }) {
  if (!data) return ['refus', statut === 401 ? 'Votre accès n’est plus reconnu : reconnectez-vous.' : 'La requête n’a pas été exécutée.'];
  if (preparation)
    return ['partielle', `Territoire en préparation : ${preparation.unites} établissements lus sur ${preparation.sur}. Redemander dans quelques secondes.`];
  const restes = refus.length ? ` ${refus.length} ${refus.length > 1 ? 'champs refusés' : 'champ refusé'}.` : '';
  if (manque.length) return ['partielle', `Réponse partielle : ${manque.join(', ')} ${manque.length > 1 ? 'manquent' : 'manque'}.${restes}`];
  if (autres.length) return ['partielle', `Réponse partielle : une erreur en a ôté une part.${restes}`];
  return refus.length ? ['attente', `Réponse sans ce que vous ne pouvez pas lire :${restes}`] : ['valable', 'Réponse complète.'];
}
