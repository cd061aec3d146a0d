// What the gateway's test told us, in CONTEXT: `url`; `tokens` of a Mission locale (`ml`), of one whose partner i-milo is down
// (`partial`), of one held to trusted documents (`trusted`); `ruptures`, the ids of all that `ml` sees, in order.
export const { url, tokens, ruptures } = JSON.parse(process.env.CONTEXT);

/** A fetch that keeps each body sent, read as JSON, in `sent`. */
export function recorder() {
  const sent = [];
  const recorded = (address, init) => {
    sent.push(JSON.parse(init.body ?? 'null'));
    return fetch(address, init);
  };
  return { sent, recorded };
}
