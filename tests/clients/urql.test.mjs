// urql 6 and graphcache: pages merged by the normalised cache, a refusal that is no true null, trusted documents.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createClient, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';
import { buildSchema, introspectionFromSchema } from 'graphql';
import { Ruptures } from './build/js/codegen/client.js';
import { recorder, ruptures, tokens, url } from './context.mjs';

const schema = introspectionFromSchema(buildSchema(readFileSync('../../schema.graphql', 'utf8')));
const sansId = schema.__schema.types.filter((type) => type.kind === 'OBJECT' && !type.fields.some(({ name }) => name === 'id'));
const keys = Object.fromEntries(sansId.map(({ name }) => [name, () => null]));
const resolvers = { Query: { jeunes: relayPagination(), contrats: relayPagination(), ruptures: relayPagination() } };

const confiance = persistedExchange({
  enforcePersistedQueries: true,
  preferGetForPersistedQueries: false,
  generateHash: async (_, document) => document.__meta__.hash.replace('sha256:', ''),
});

const RUPTURES = gql`
  query UrqlRuptures($first: Int!, $after: String) {
    ruptures(first: $first, after: $after) {
      totalCount
      complet
      pageInfo { hasNextPage endCursor }
      edges { cursor node { id date jeune { id nom } } }
    }
  }
`;
const REFUSE = gql`
  query UrqlRefuse {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`;

function client(token, exchanges = [], options = { preferGetMethod: false }) {
  const { sent, recorded } = recorder();
  const fetchOptions = { headers: { Authorization: `Bearer ${token}` } };
  const all = [cacheExchange({ schema, keys, resolvers }), ...exchanges, fetchExchange];
  return { sent, urql: createClient({ url, fetch: recorded, fetchOptions, exchanges: all, ...options }) };
}

test('pages through the list', async () => {
  const { urql } = client(tokens.ml);
  let liste;
  let after = null;
  do {
    ({ data: { ruptures: liste } } = await urql.query(RUPTURES, { first: 5, after }).toPromise());
    after = liste.pageInfo.endCursor;
  } while (liste.pageInfo.hasNextPage);
  assert.deepEqual(liste.edges.map((edge) => edge.node.id), ruptures);
});

test('by default it asks by GET, which is refused: personal data have no place in a URL', async () => {
  const { urql } = client(tokens.ml, [], {});
  const { data, error } = await urql.query(REFUSE, {}).toPromise();
  assert.equal(data, undefined);
  assert.equal(error.response.status, 405);
  assert.match(error.message, /POST/);
});

test('a refused field is null, and an error at its place says so', async () => {
  const { urql, sent } = client(tokens.ml);
  const { data, error } = await urql.query(REFUSE, {}).toPromise();
  assert.deepEqual(data.jeunes.edges.map(({ node }) => node.ine), [null, null, null]);
  assert.deepEqual(
    error.graphQLErrors.map((one) => [one.extensions.code, one.path]),
    [0, 1, 2].map((n) => ['CHAMP_REFUSE', ['jeunes', 'edges', n, 'node', 'ine']]),
  );
  const again = await urql.query(REFUSE, {}).toPromise();
  assert.equal(sent.length, 2, 'graphcache keeps no null that has an error: it asks again');
  assert.equal(again.error.graphQLErrors.length, 3);
});

test('a partner down leaves a list that says it is not whole', async () => {
  const { urql } = client(tokens.partial);
  const { data, error } = await urql.query(RUPTURES, { first: 5 }).toPromise();
  assert.equal(data.ruptures.complet, false);
  assert.equal(data.ruptures.edges.length, 5);
  assert.deepEqual(error.graphQLErrors.map((one) => [one.path, one.extensions.source]), [[undefined, 'imilo']]);
});

test('a trusted document is named by the hash that graphql-codegen wrote', async () => {
  const { urql, sent } = client(tokens.trusted, [confiance]);
  const { data } = await urql.query(Ruptures, { first: 2 }).toPromise();
  assert.deepEqual(data.ruptures.edges.map((edge) => edge.node.id), ruptures.slice(0, 2));
  assert.deepEqual(sent.map((body) => 'query' in body), [false]);
});
