// The example of docs/evenements.md for front-ends, in TypeScript: graphql-sse subscribes, comes back and misses nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recevoir } from './build/js/events/receive.js';
import { cutAndResumed, tokens } from './streaming.mjs';

test('what came while the line was cut is received after', async () => {
  const stop = new AbortController();
  const { missed, after, type } = await cutAndResumed(tokens.sse, (line, received) => {
    const receiving = recevoir(line.http, () => tokens.sse, received, stop.signal);
    return () => (stop.abort(), receiving.catch(() => {}));
  });
  assert.equal(type, 'RUPTURE_NOUVELLE');
  assert.deepEqual(after, missed);
});
