// A subscription, received as GraphQL over SSE: POST, then the answer's body read as it comes. `EventSource` sends no header, and a
// token has no place in an address. Knows neither the page nor what an event means.

const ATTENTE = 2000; // milliseconds before a stream that ended by itself is opened again
const MESSAGE = /\n\n/;

// Each answer to `recevoir` as it comes, until the returned function is called, or the gateway refuses: then to `finir`. What is
// missed while the line is cut comes after: each event says the place to come back to.
export function ecouter(entetes, corps, recevoir, finir) {
  const arret = new AbortController();
  suivre({ entetes, corps, recevoir, signal: arret.signal }).then(finir, finir);
  return () => arret.abort();
}

async function suivre(ecoute) {
  let place;
  while (!ecoute.signal.aborted) {
    const rendu = await ouvrir(ecoute, place).catch(() => ({ place }));
    if (rendu.refus) return;
    place = rendu.place ?? place;
    await new Promise((suite) => setTimeout(suite, ATTENTE));
  }
}

// One connection, to its end: the place reached, and whether the gateway refused to go on.
async function ouvrir({ entetes, corps, recevoir, signal }, place) {
  const headers = { ...entetes, accept: 'text/event-stream', ...(place && { 'last-event-id': place }) };
  const demande = { method: 'POST', headers, body: JSON.stringify(corps), credentials: 'omit', signal };
  const reponse = await fetch(location.pathname, demande);
  if (!reponse.headers.get('content-type')?.startsWith('text/event-stream')) {
    recevoir(reponse.status, await reponse.json());
    return { refus: true };
  }
  let atteinte = place;
  for await (const { id, data } of messages(reponse.body)) {
    if (signal.aborted || !data) break;
    const rendu = JSON.parse(data);
    recevoir(reponse.status, rendu);
    if (!id) return { refus: true }; // the last message, which has no place, says why
    atteinte = id;
  }
  return { place: atteinte };
}

async function* messages(octets) {
  const lecteur = octets.pipeThrough(new TextDecoderStream()).getReader();
  for (let reste = ''; ; ) {
    const { value, done } = await lecteur.read();
    if (done) return;
    const morceaux = (reste + value).split(MESSAGE);
    reste = morceaux.pop();
    for (const morceau of morceaux) {
      const lignes = morceau.split('\n').map((ligne) => ligne.match(/^(\w+): ?(.*)$/)).filter(Boolean);
      const message = Object.fromEntries(lignes.map(([, nom, valeur]) => [nom, valeur]));
      if (message.event === 'next') yield message;
      if (message.event === 'complete') return;
    }
  }
}
