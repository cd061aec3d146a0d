// How the page asks the gateway: a token or a key, and the purpose, travel as headers, to this very address and no other.
import { parse } from 'graphql';

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

// A GraphiQL fetcher. `session` holds what is presented now, read when a query leaves: GraphiQL may still hold an earlier
// fetcher just after a change. `dire` is told each answer but that of the schema.
export function interrogateur(session, dire) {
  return async ({ query, variables, operationName }) => {
    const corps = { query, variables: variables ?? {}, operationName: aExecuter(query, operationName) };
    const { statut, rendu } = await interroger(session.current, corps);
    if (operationName !== 'IntrospectionQuery') dire(statut, rendu);
    return rendu;
  };
}
