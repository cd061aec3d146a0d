// Apollo Client: subscriptions by its link for graphql-ws, queries by HTTP beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { cutAndResumed, tokens } from './streaming.mjs';

const EVENEMENTS = gql`
  subscription ApolloEvenements($depuis: ID) {
    evenements(depuis: $depuis) { id type jeune { id } }
  }
`;
const MOI = gql`
  query ApolloMoi {
    moi { profil }
  }
`;

function souscriptions(ws) {
  const subscribe = (demande, sink) => {
    const next = (reponse) => {
      const [evenement] = Object.values(reponse.data ?? {});
      if (evenement) demande.variables = { ...demande.variables, depuis: evenement.id }; // relu à chaque reprise
      sink.next(reponse);
    };
    return ws.subscribe(demande, { ...sink, next });
  };
  return new GraphQLWsLink({ ...ws, subscribe });
}

function client(line, token) {
  const connectionParams = { authorization: `Bearer ${token}` };
  const retryWait = () => new Promise((then) => setTimeout(then, 200));
  const again = { shouldRetry: () => true, retryWait, retryAttempts: 100 };
  const ws = createClient({ url: line.ws, webSocketImpl: WebSocket, connectionParams, ...again });
  const http = new HttpLink({ uri: line.http, headers: { Authorization: `Bearer ${token}` } });
  const link = ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, souscriptions(ws), http);
  return { ws, apollo: new ApolloClient({ link, cache: new InMemoryCache() }) };
}

test('what came while the line was cut is received after, and queries go on over HTTP', async () => {
  const { missed, after, type } = await cutAndResumed(tokens.apollo, (line, received) => {
    const { ws, apollo } = client(line, tokens.apollo);
    const subscription = apollo.subscribe({ query: EVENEMENTS }).subscribe(({ data }) => data && received(data.evenements));
    const asked = apollo.query({ query: MOI });
    return async () => {
      assert.equal((await asked).data.moi.profil, 'MISSION_LOCALE');
      subscription.unsubscribe();
      await ws.dispose();
    };
  });
  assert.equal(type, 'RUPTURE_NOUVELLE');
  assert.deepEqual(after, missed);
});
