// How the page asks the gateway: the token and the purpose travel as headers, to this very address and no other.
import { parse } from 'graphql';

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

const erreur = (message) => ({ errors: [{ message }] });

// A GraphiQL fetcher. `session` holds the present token and purpose, read when a query leaves: GraphiQL may still hold an
// earlier fetcher just after one is pasted. `direRefus` is told what the gateway answers to a token it refuses, and '' when
// it takes it.
export function interrogateur(session, direRefus) {
  return async ({ query, variables, operationName }) => {
    const { jeton, finalite } = session.current;
    if (!jeton) return erreur('Aucun jeton : collez un jeton d’accès en haut de la page.');
    if (!/^[\x21-\x7e]+$/.test(jeton)) return erreur('Le jeton contient un caractère interdit : copiez-le à nouveau.');
    const nom = aExecuter(query, operationName);
    const corps = JSON.stringify({ query, variables: variables ?? {}, operationName: nom });
    try {
      const demande = { method: 'POST', headers: entetes(jeton, finalite), body: corps, credentials: 'omit' };
      const reponse = await fetch('/graphql', demande);
      const rendu = await reponse.json();
      direRefus(reponse.status === 401 ? (rendu.errors?.[0]?.message ?? 'demandez-en un nouveau.') : '');
      return rendu;
    } catch {
      return erreur('La passerelle ne répond pas, ou sa réponse n’est pas lisible.');
    }
  };
}

const entetes = (jeton, finalite) => ({
  accept: 'application/graphql-response+json, application/json;q=0.9',
  'content-type': 'application/json',
  authorization: `Bearer ${jeton}`,
  ...(finalite && { 'x-finalite': finalite }),
});
