// graphql-ws: subscribes over a WebSocket, comes back by itself, and from where it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { cutAndResumed, tokens } from './streaming.mjs';

const EVENEMENTS = 'subscription WsEvenements($depuis: ID) { evenements(depuis: $depuis) { id type jeune { id } } }';

const client = (url, jeton, options = {}) =>
  createClient({
    url,
    webSocketImpl: WebSocket, // dans un navigateur, et depuis Node 22 : rien
    connectionParams: () => ({ authorization: `Bearer ${jeton()}`, finalite: 'ACCOMPAGNEMENT' }),
    retryAttempts: Infinity,
    shouldRetry: () => true, // par défaut, une adresse qui ne répond pas encore l'arrête
    ...options,
  });

export function suivre(ws, demande, sink) {
  const next = (reponse) => {
    const [evenement] = Object.values(reponse.data ?? {});
    if (evenement) demande.variables = { ...demande.variables, depuis: evenement.id }; // relu à chaque reprise
    sink.next(reponse);
  };
  return ws.subscribe(demande, { ...sink, next });
}

test('what came while the line was cut is received after', async () => {
  const { missed, after, type } = await cutAndResumed(tokens.ws, (line, received) => {
    const ws = client(line.ws, () => tokens.ws, { retryWait: () => new Promise((then) => setTimeout(then, 200)) });
    const ended = { error() {}, complete() {} };
    suivre(ws, { query: EVENEMENTS }, { next: ({ data }) => received(data.evenements), ...ended });
    return () => ws.dispose();
  });
  assert.equal(type, 'RUPTURE_NOUVELLE');
  assert.deepEqual(after, missed);
});

test('an operation that is wrong is an error, and the socket lives', async () => {
  const { url } = await import('./streaming.mjs');
  const closes = [];
  const ws = client(url.replace('http', 'ws'), () => tokens.ws, { lazyCloseTimeout: 3000, on: { closed: (event) => closes.push(event.code) } });
  for (const query of ['subscription {', 'subscription { nulle }', '{ moi { profil } }']) {
    await assert.rejects(ws.iterate({ query }).next(), ([error]) => error.extensions.code === 'REQUETE_INVALIDE');
  }
  assert.deepEqual(closes, []);
  await ws.dispose();
});

test('a token that is refused is asked for again: 4403 is not fatal', async () => {
  const { url } = await import('./streaming.mjs');
  const given = [];
  const jeton = () => {
    given.push(given.length ? tokens.ws : 'faux');
    return given.at(-1);
  };
  const ws = client(url.replace('http', 'ws'), jeton, { lazy: false, retryWait: async () => {}, onNonLazyError: () => {} });
  await new Promise((connected) => ws.on('connected', connected));
  assert.deepEqual(given, ['faux', tokens.ws]);
  await ws.dispose();
});
