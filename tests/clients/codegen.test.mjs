// The client preset of graphql-codegen: typed documents, each named by the hash that the build wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, Refuse, Ruptures } from './build/js/codegen/client.js';
import { ruptures, tokens, url } from './context.mjs';

test('pages through the list, by trusted documents only', async () => {
  const ids = [];
  let after = null;
  do {
    const { data } = await execute(url, tokens.trusted, Ruptures, { first: 5, after });
    ids.push(...data.ruptures.edges.map((edge) => edge.node.id));
    after = data.ruptures.pageInfo.hasNextPage ? data.ruptures.pageInfo.endCursor : null;
  } while (after);
  assert.deepEqual(ids, ruptures);
});

test('a refused field is null, and an error at its place says so', async () => {
  const { data, errors } = await execute(url, tokens.trusted, Refuse, {});
  assert.deepEqual(data.jeunes.edges.map(({ node }) => node.ine), [null, null, null]);
  assert.deepEqual(
    errors.map((error) => [error.extensions.code, error.path]),
    [0, 1, 2].map((n) => ['CHAMP_REFUSE', ['jeunes', 'edges', n, 'node', 'ine']]),
  );
});

test('a partner down leaves a list that says it is not whole', async () => {
  const { data, errors } = await execute(url, tokens.partial, Ruptures, { first: 5 });
  assert.equal(data.ruptures.complet, false);
  assert.equal(data.ruptures.edges.length, 5);
  assert.deepEqual(errors.map((error) => [error.path, error.extensions.source]), [[undefined, 'imilo']]);
});
