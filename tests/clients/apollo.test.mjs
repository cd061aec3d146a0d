// Apollo Client 4: pages merged by its cache, refusals and sources that lack, trusted documents.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { relayStylePagination } from '@apollo/client/utilities';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';
import { parse } from 'graphql';
import { recorder, ruptures, tokens, url } from './context.mjs';

const RUPTURES = gql`
  query ApolloRuptures($first: Int!, $after: String) {
    ruptures(first: $first, after: $after) {
      totalCount
      complet
      pageInfo { hasNextPage endCursor }
      edges { cursor node { id date jeune { id nom } } }
    }
  }
`;
const REFUSE = gql`
  query ApolloRefuse {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`;

const liste = relayStylePagination(['filtre', 'tri']);
const cache = () => new InMemoryCache({ typePolicies: { Query: { fields: { jeunes: liste, contrats: liste, ruptures: liste } } } });
const defaultOptions = { query: { errorPolicy: 'all' }, watchQuery: { errorPolicy: 'all' } };

const refuse = (error, ...chemin) =>
  CombinedGraphQLErrors.is(error) && error.errors.some((une) => une.path?.join() === chemin.join() && une.extensions.code === 'CHAMP_REFUSE');

function client(token, links = []) {
  const { sent, recorded } = recorder();
  const http = new HttpLink({ uri: url, fetch: recorded, headers: { Authorization: `Bearer ${token}` } });
  return { sent, apollo: new ApolloClient({ link: ApolloLink.from([...links, http]), cache: cache(), defaultOptions }) };
}

test('pages through the list', async () => {
  const { apollo } = client(tokens.ml);
  const variables = { first: 5 };
  const { data } = await apollo.query({ query: RUPTURES, variables });
  const vue = apollo.watchQuery({ query: RUPTURES, variables });
  for (let page = data.ruptures.pageInfo; page.hasNextPage; ) {
    const suite = await vue.fetchMore({ variables: { after: page.endCursor }, errorPolicy: 'all' });
    page = suite.data.ruptures.pageInfo;
  }
  const whole = apollo.readQuery({ query: RUPTURES, variables });
  assert.deepEqual(whole.ruptures.edges.map((edge) => edge.node.id), ruptures);
});

test('a refused field is null, and an error at its place says so', async () => {
  const { apollo } = client(tokens.ml);
  const { data, error } = await apollo.query({ query: REFUSE });
  assert.equal(data.jeunes.edges.length, 3);
  data.jeunes.edges.forEach(({ node }, n) => {
    assert.equal(node.ine, null);
    assert.equal(refuse(error, 'jeunes', 'edges', n, 'node', 'ine'), true);
    assert.equal(refuse(error, 'jeunes', 'edges', n, 'node', 'nom'), false);
  });
});

test('by default, one refused field loses all the rest', async () => {
  const { apollo } = client(tokens.ml);
  await assert.rejects(apollo.query({ query: REFUSE, errorPolicy: 'none' }), CombinedGraphQLErrors);
});

test('a partner down leaves a list that says it is not whole', async () => {
  const { apollo } = client(tokens.partial);
  const { data, error } = await apollo.query({ query: RUPTURES, variables: { first: 5 } });
  assert.equal(data.ruptures.complet, false);
  assert.equal(data.ruptures.edges.length, 5);
  assert.deepEqual(error.errors.map((one) => [one.path, one.extensions.source]), [[undefined, 'imilo']]);
});

test('the next page of a list that is not whole is lost, unless its own errorPolicy says otherwise', async () => {
  const { apollo } = client(tokens.partial);
  const vue = apollo.watchQuery({ query: RUPTURES, variables: { first: 2 } });
  const { data } = await vue.refetch();
  const after = data.ruptures.pageInfo.endCursor;
  await assert.rejects(vue.fetchMore({ variables: { after } }), CombinedGraphQLErrors);
  const suite = await vue.fetchMore({ variables: { after }, errorPolicy: 'all' });
  assert.equal(suite.data.ruptures.edges.length, 2);
});

test('a trusted document is named by its hash', async () => {
  const loadManifest = async () => JSON.parse(readFileSync('build/apollo.json', 'utf8'));
  const link = new PersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest }));
  const { apollo, sent } = client(tokens.trusted, [link]);
  const { data } = await apollo.query({ query: RUPTURES, variables: { first: 2 } });
  assert.deepEqual(data.ruptures.edges.map((edge) => edge.node.id), ruptures.slice(0, 2));
  assert.equal(sent.length, 1);
  assert.equal(sent[0].query, undefined);
});

test('a document is taught once, by the protocol of automatic persisted queries', async () => {
  const sha256 = async (text) => Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('hex');
  const { apollo, sent } = client(tokens.ml, [new PersistedQueryLink({ sha256 })]);
  const query = parse(`query Apprise${Date.now()} { moi { profil } }`);
  for (let times = 0; times < 2; times += 1) {
    const { data } = await apollo.query({ query, fetchPolicy: 'network-only' });
    assert.equal(data.moi.profil, 'MISSION_LOCALE');
  }
  assert.deepEqual(sent.map((body) => 'query' in body), [false, true, false]);
});

test('the cache keeps the null of a refusal, and not its error', async () => {
  const { apollo, sent } = client(tokens.ml);
  await apollo.query({ query: REFUSE });
  const { data, error } = await apollo.query({ query: REFUSE });
  assert.equal(sent.length, 1);
  assert.equal(data.jeunes.edges[0].node.ine, null);
  assert.equal(error, undefined);
});
