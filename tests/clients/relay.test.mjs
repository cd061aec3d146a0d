// Relay, compiler and runtime: a connection that grows, `@catch` beside a refused field, documents persisted by the compiler.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import relay from 'relay-runtime';
import Exige from './build/relay/queriesExigeQuery.graphql.js';
import Muette from './build/relay/queriesMuetteQuery.graphql.js';
import Refuse from './build/relay/queriesRefuseQuery.graphql.js';
import Ruptures from './build/relay/queriesRupturesQuery.graphql.js';
import { recorder, ruptures, tokens, url } from './context.mjs';

const { createOperationDescriptor, Environment, fetchQuery, getRequest, Network, RecordSource, Store } = relay;

function environment(token) {
  const { sent, recorded } = recorder();
  const told = [];
  const network = Network.create(async ({ id }, variables) => {
    const response = await recorded(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ documentId: id, variables }),
    });
    const payload = await response.json();
    told.push(...(payload.errors ?? []));
    return payload;
  });
  return { sent, told, relay: new Environment({ network, store: new Store(new RecordSource()) }) };
}

test('pages through a connection, by trusted documents only', async () => {
  const { relay: env, sent } = environment(tokens.trusted);
  const read = () => env.lookup(createOperationDescriptor(getRequest(Ruptures), { first: 5 }).fragment).data.ruptures;
  await fetchQuery(env, Ruptures, { first: 5 }).toPromise();
  while (read().pageInfo.hasNextPage) {
    await fetchQuery(env, Ruptures, { first: 5, after: read().pageInfo.endCursor }).toPromise();
  }
  assert.deepEqual(read().edges.map((edge) => edge.node.id), ruptures);
  assert.ok(sent.every((body) => body.documentId && !body.query));
});

test('a refused field is caught where it is asked', async () => {
  const { relay: env } = environment(tokens.trusted);
  const data = await fetchQuery(env, Refuse, {}).toPromise();
  for (const { node } of data.jeunes.edges) {
    assert.equal(node.ine.ok, false);
    assert.equal(node.ine.errors[0].extensions.code, 'CHAMP_REFUSE');
    assert.ok(node.nom);
  }
});

test('a refused field is silent by default, and throws where the query says so', async () => {
  const { relay: env } = environment(tokens.trusted);
  const data = await fetchQuery(env, Muette, {}).toPromise();
  assert.deepEqual(data.jeunes.edges.map(({ node }) => node.ine), [null, null, null]);
  await assert.rejects(fetchQuery(env, Exige, {}).toPromise(), /Unexpected response payload/);
});

test('a partner down leaves a list that says it is not whole', async () => {
  const { relay: env, told } = environment(tokens.partial);
  const data = await fetchQuery(env, Ruptures, { first: 5 }).toPromise();
  assert.equal(data.ruptures.complet, false);
  assert.equal(data.ruptures.edges.length, 5);
  assert.deepEqual(told.map((error) => [error.path, error.extensions.source]), [[undefined, 'imilo']]);
});
