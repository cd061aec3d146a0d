// The examples: those of a profile, cut down to what this very caller's graph has, and their variables found in real lists.
// Knows neither the page nor how the gateway is asked.
import { parse, print, TypeInfo, validate, visit, visitWithTypeInfo } from 'graphql';
import texte from './exemples.graphql?raw';

const RECHERCHE = /^# cherche : (.*)$/m;

// exemples.graphql: a line "# == PROFIL, PROFIL · title" opens each example; "# cherche : { … }" is the list in which the values
// of its variables are found, by their names.
const EXEMPLES = texte
  .split(/^# == /m)
  .slice(1)
  .map((morceau) => {
    const [tete, ...lignes] = morceau.split('\n');
    const [profils, titre] = tete.split(' · ');
    const corps = lignes.join('\n');
    return {
      profils: profils.split(', '),
      titre,
      cherche: corps.match(RECHERCHE)?.[1],
      requete: `${corps.replace(RECHERCHE, '').trim()}\n`,
    };
  });

// Those of this profile that its graph answers.
export function exemplesDe(profil, schema) {
  return EXEMPLES.filter(({ profils }) => profils.includes(profil) || profils.includes('*')).flatMap((exemple) => {
    const requete = elaguer(exemple.requete, schema);
    const cherchable = !exemple.cherche || !validate(schema, parse(exemple.cherche)).length;
    return requete && cherchable ? [{ ...exemple, requete }] : [];
  });
}

// The text without the fields that this graph does not have; null when nothing valid is left.
function elaguer(requete, schema) {
  const origine = parse(requete);
  if (!validate(schema, origine).length) return requete;
  const types = new TypeInfo(schema);
  const reste = visit(
    origine,
    visitWithTypeInfo(types, {
      Field: {
        enter: () => (types.getFieldDef() ? undefined : null),
        leave: ({ selectionSet }) => (selectionSet && !selectionSet.selections.length ? null : undefined),
      },
    }),
  );
  const vide = reste.definitions.some(({ selectionSet }) => !selectionSet.selections.length);
  return vide || validate(schema, reste).length ? null : `${print(reste)}\n`;
}

// The variables of an example, from the first row that says all that its search asks of one; null when there is none.
export function variablesDans(exemple, donnees) {
  const noms = parse(exemple.requete).definitions[0].variableDefinitions.map(({ variable }) => variable.name.value);
  const lignes = Object.values(donnees ?? {}).flatMap((liste) => liste?.edges ?? []);
  const dites = lignes.map(feuilles).find((valeurs) => Object.values(valeurs).every((valeur) => valeur != null));
  return dites ? Object.fromEntries(noms.map((nom) => [nom, dites[nom]])) : null;
}

function feuilles(valeur) {
  const entrees = Object.entries(valeur ?? {}).map(([nom, contenu]) =>
    contenu && typeof contenu === 'object' ? feuilles(Array.isArray(contenu) ? contenu[0] : contenu) : { [nom]: contenu },
  );
  return Object.assign({}, ...entrees);
}
