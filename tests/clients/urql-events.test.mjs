// urql: subscriptions by graphql-sse and by graphql-ws, through its subscriptionExchange.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';
import { cutAndResumed, tokens } from './streaming.mjs';

const EVENEMENTS = gql`
  subscription UrqlEvenements($depuis: ID) {
    evenements(depuis: $depuis) { id type jeune { id } }
  }
`;

const souscriptions = (flux) =>
  subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe(sink) {
        const demande = { query, variables };
        const next = (reponse) => {
          const [evenement] = Object.values(reponse.data ?? {});
          if (evenement) demande.variables = { ...demande.variables, depuis: evenement.id }; // relu à chaque reprise
          sink.next(reponse);
        };
        return { unsubscribe: flux.subscribe(demande, { ...sink, next }) };
      },
    }),
  });

const wait = () => new Promise((then) => setTimeout(then, 200));
const transports = {
  'graphql-sse': (line, token) =>
    createSse({ url: line.http, headers: { Authorization: `Bearer ${token}` }, retry: wait, retryAttempts: 100 }),
  'graphql-ws': (line, token) => {
    const again = { shouldRetry: () => true, retryWait: wait, retryAttempts: 100 };
    return createWs({ url: line.ws, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${token}` }, ...again });
  },
};

for (const [name, transport] of Object.entries(transports)) {
  test(`by ${name}, what came while the line was cut is received after`, async () => {
    const { missed, after, type } = await cutAndResumed(tokens.urql, (line, received) => {
      const flux = transport(line, tokens.urql);
      const urql = createClient({ url: line.http, exchanges: [souscriptions(flux), fetchExchange], preferGetMethod: false });
      const { unsubscribe } = urql.subscription(EVENEMENTS, {}).subscribe(({ data }) => data && received(data.evenements));
      return () => (unsubscribe(), flux.dispose());
    });
    assert.equal(type, 'RUPTURE_NOUVELLE');
    assert.deepEqual(after, missed);
  });
}
