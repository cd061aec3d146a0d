// graphql-request 7: no cache, errors kept with the data.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError, gql, GraphQLClient } from 'graphql-request';
import { Refuse, Ruptures } from './build/js/codegen/client.js';
import { recorder, ruptures, tokens, url } from './context.mjs';

const RUPTURES = gql`
  query RequestRuptures($first: Int!, $after: String) {
    ruptures(first: $first, after: $after) {
      totalCount
      complet
      pageInfo { hasNextPage endCursor }
      edges { node { id } }
    }
  }
`;
const REFUSE = gql`
  query RequestRefuse {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`;

const empreintes = Object.fromEntries([Ruptures, Refuse].map((document) => [document.definitions[0].name.value, document.__meta__.hash]));
const requestMiddleware = (request) => {
  const { query, ...reste } = JSON.parse(request.body);
  return { ...request, body: JSON.stringify({ ...reste, documentId: empreintes[request.operationName] }) };
};

const client = (token, options = {}) =>
  new GraphQLClient(url, { headers: { Authorization: `Bearer ${token}` }, errorPolicy: 'all', ...options });

test('pages through the list', async () => {
  const graphe = client(tokens.ml);
  const ids = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const { data } = await graphe.rawRequest(RUPTURES, { first: 5, after: page.endCursor });
    ids.push(...data.ruptures.edges.map((edge) => edge.node.id));
    page = data.ruptures.pageInfo;
  }
  assert.deepEqual(ids, ruptures);
});

test('a refused field is null, and an error at its place says so', async () => {
  const { data, errors } = await client(tokens.ml).rawRequest(REFUSE);
  assert.deepEqual(data.jeunes.edges.map(({ node }) => node.ine), [null, null, null]);
  assert.deepEqual(
    errors.map((error) => [error.extensions.code, error.path]),
    [0, 1, 2].map((n) => ['CHAMP_REFUSE', ['jeunes', 'edges', n, 'node', 'ine']]),
  );
});

test('by default, one refused field loses all the rest', async () => {
  await assert.rejects(client(tokens.ml, { errorPolicy: 'none' }).request(REFUSE), ClientError);
});

test('a partner down leaves a list that says it is not whole', async () => {
  const { data, errors } = await client(tokens.partial).rawRequest(RUPTURES, { first: 5 });
  assert.equal(data.ruptures.complet, false);
  assert.equal(data.ruptures.edges.length, 5);
  assert.deepEqual(errors.map((error) => [error.path, error.extensions.source]), [[undefined, 'imilo']]);
});

test('a trusted document is named by the hash that graphql-codegen wrote', async () => {
  const { sent, recorded } = recorder();
  const graphe = client(tokens.trusted, { fetch: recorded, requestMiddleware });
  const { data } = await graphe.rawRequest(Ruptures, { first: 2 });
  assert.deepEqual(data.ruptures.edges.map((edge) => edge.node.id), ruptures.slice(0, 2));
  assert.deepEqual(sent.map((body) => 'query' in body), [false]);
});
