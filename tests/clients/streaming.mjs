// What the tests of streams share. STREAMS (environment) holds `url`, `admin`, `control` of the simulators, a `token` an account, the
// `record` of a person whose rupture may be typed, and the `day` of the next one.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const { url, admin, control, tokens, record, day } = JSON.parse(process.env.STREAMS);
const SECONDS = 60; // that a busy machine may take

let typed = 0;

/** A rupture typed at Aimaira, which calls the gateway three times about it. */
export async function rupture() {
  const value = new Date(Date.parse(day) - 86_400_000 * typed++).toISOString().slice(0, 10);
  const body = JSON.stringify({ partner: 'aimaira', key: record, field: 'rupture', value, times: 3 });
  const answer = await fetch(`${control}/changer`, { method: 'POST', body });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Wait until it is so. */
export async function until(seen, what) {
  for (const end = Date.now() + SECONDS * 1000; !(await seen()); await sleep(100)) {
    if (Date.now() > end) throw new Error(`never seen: ${what}`);
  }
}

/** Wait until so many streams are open. */
export const untilStreams = (number) =>
  until(async () => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return text.includes(`\npasserelle_flux_ouverts ${number}.0\n`);
  }, `${number} streams`);

/** The events of the log after a place, in their order. */
export async function log(token, depuis) {
  const query = 'query L($depuis: ID) { evenements(depuis: $depuis, first: 500) { nodes { id } } }';
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables: { depuis } }) });
  return (await answer.json()).data.evenements.nodes.map(({ id }) => id);
}

/** A line to the gateway that can be cut, and mended. */
export async function line() {
  const { hostname, port } = new URL(url);
  const ends = new Set();
  let whole = true;
  const server = net.createServer((near) => {
    if (!whole) return near.resetAndDestroy();
    const far = net.connect(port, hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      ends.add(one);
      one.on('error', () => {}).on('close', () => (ends.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const place = `127.0.0.1:${server.address().port}/graphql`;
  return {
    http: `http://${place}`,
    ws: `ws://${place}`,
    cut() {
      whole = false;
      for (const end of ends) end.resetAndDestroy();
    },
    mend: () => (whole = true),
    close() {
      this.cut();
      server.close();
    },
  };
}

/** Subscribe by `open(line, received)`, which returns how to leave; cut, and see that what came meanwhile is received after. */
export async function cutAndResumed(token, open) {
  const one = await line();
  const received = [];
  const leave = open(one, (evenement) => received.push(evenement));
  try {
    await untilStreams(1);
    await rupture();
    await until(() => received.length > 0, 'an event');
    const first = received[0].id;
    one.cut();
    await untilStreams(0);
    await rupture();
    await until(async () => (await log(token, first)).length > received.length - 1, 'the event that is missed');
    one.mend();
    const missed = await log(token, first);
    await until(() => missed.every((id) => received.some((evenement) => evenement.id === id)), 'what was missed');
    const ids = [...new Set(received.map(({ id }) => id))];
    return { missed, after: ids.slice(1, 1 + missed.length), type: received[0].type };
  } finally {
    await leave();
    one.close();
    await untilStreams(0);
  }
}
