// The official GraphQL-over-HTTP audit against URL (environment), with the bearer token JETON: one JSON object on standard output.
import { auditServer } from 'graphql-http';

const { JETON, URL: url } = process.env;
const results = await auditServer({
  url,
  fetchFn: (adresse, init = {}) =>
    fetch(adresse, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${JETON}` } }),
});
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
