// How the page asks the gateway: a token or a key, and the purpose, travel as headers, to this very address and no other.
import { parse } from 'graphql';
import { ecouter } from './flux.js';

export const MOI = '{ moi { profil organisation finalite finalites perimetre { nom } } }';

// When the token ends, in milliseconds; NaN when it does not say. Read to warn, never to trust.
export function expiration(jeton) {
  try {
    const corps = jeton.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    return JSON.parse(atob(corps)).exp * 1000;
  } catch {
    return NaN;
  }
}

// The operation to run: GraphiQL may still name that of an earlier text, when one is opened and run at once.
function aExecuter(query, operationName) {
  try {
    const noms = parse(query).definitions.flatMap((une) => (une.kind === 'OperationDefinition' ? [une.name?.value] : []));
    return noms.includes(operationName) || noms.length !== 1 ? operationName : noms[0];
  } catch {
    return operationName; // the gateway says what is wrong with the text
  }
}

function souscrit(query, nom) {
  try {
    const operations = parse(query).definitions.filter((une) => une.kind === 'OperationDefinition');
    return operations.find((une) => une.name?.value === nom)?.operation === 'subscription';
  } catch {
    return false; // likewise
  }
}

const entetes = ({ jeton, cle, finalite }) => ({
  accept: 'application/graphql-response+json, application/json;q=0.9',
  'content-type': 'application/json',
  ...(cle ? { 'x-cle-api': cle } : { authorization: `Bearer ${jeton}` }),
  ...(finalite && { 'x-finalite': finalite }),
});

// Status (0: no answer) and document. The address is the page's own, whatever prefix a proxy puts before it.
export async function interroger(acces, corps) {
  try {
    const demande = { method: 'POST', headers: entetes(acces), body: JSON.stringify(corps), credentials: 'omit' };
    const reponse = await fetch(location.pathname, demande);
    return { statut: reponse.status, rendu: await reponse.json() };
  } catch {
    return { statut: 0, rendu: { errors: [{ message: 'La passerelle ne répond pas, ou sa réponse n’est pas lisible.' }] } };
  }
}

const VISIBLES = 50; // events shown at once, the last one first

// A GraphiQL fetcher. `session` holds what is presented now, read when a query leaves: GraphiQL may still hold an earlier
// fetcher just after a change. `dire` is told each answer but that of the schema. `arreter` ends the streams that are open.
export function interrogateur(session, dire) {
  const ouverts = new Set();
  const interroge = async ({ query, variables, operationName }) => {
    const nom = aExecuter(query, operationName);
    const corps = { query, variables: variables ?? {}, operationName: nom };
    if (operationName !== 'IntrospectionQuery' && souscrit(query, nom)) return flux(corps);
    const { statut, rendu } = await interroger(session.current, corps);
    if (operationName !== 'IntrospectionQuery') dire(statut, rendu);
    return rendu;
  };
  // What GraphiQL knows as an observable: its list of events grows, the latest first.
  const flux = (corps) => ({
    subscribe({ next, complete }) {
      let recus = [];
      let nombre = 0;
      const recevoir = (statut, rendu) => {
        recus = [rendu, ...recus].slice(0, VISIBLES);
        dire(statut, rendu);
        nombre += 1;
        next(nombre > 1 ? { recus: nombre, reponses: recus } : rendu); // it would merge a list, as parts of one answer
      };
      const finir = () => (ouverts.delete(unsubscribe), complete());
      const unsubscribe = ecouter(entetes(session.current), corps, recevoir, finir);
      ouverts.add(unsubscribe);
      return { unsubscribe };
    },
  });
  return Object.assign(interroge, { arreter: () => ouverts.forEach((arreter) => arreter()) });
}
