// A token by authorization code with PKCE (RFC 7636), as a public client. The token stays in memory: it dies with the page, and no
// script that came later finds it in a storage. What the return must match waits in this tab, and is taken away at once.
import type { Configuration } from './configuration.js';

const KEPT = 'front:connexion';
export type Return = { token?: string; refusal?: string };

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const address = () => location.origin + location.pathname;

export async function leave({ connexion }: Configuration): Promise<void> {
  const kept = { verifier: random(), state: random() };
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(kept.verifier));
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
  const target = new URL(connexion.autorisation);
  const asked = {
    response_type: 'code',
    client_id: connexion.client,
    redirect_uri: address(),
    scope: connexion.portee,
    state: kept.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  };
  Object.entries(asked).forEach(([name, value]) => target.searchParams.set(name, value));
  location.assign(target);
}

/** What the provider answered, when it has just sent the page back; else nothing. */
export async function comeBack(configuration: Configuration): Promise<Return> {
  const received = new URLSearchParams(location.search);
  if (!received.has('state')) return {};
  history.replaceState(null, '', location.pathname);
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as { verifier?: string; state?: string };
  sessionStorage.removeItem(KEPT);
  const code = received.get('code');
  if (!kept.verifier || received.get('state') !== kept.state)
    return { refusal: 'Cette connexion n’a pas été demandée par cet onglet : recommencez.' };
  if (!code) return { refusal: 'Le fournisseur d’identité n’a pas accordé la connexion.' };
  return exchange(configuration, code, kept.verifier);
}

async function exchange({ connexion }: Configuration, code: string, verifier: string): Promise<Return> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: address(),
    client_id: connexion.client,
    code_verifier: verifier,
  });
  try {
    const answer = await fetch(connexion.jeton, { method: 'POST', body, credentials: 'omit' });
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    return token ? { token } : { refusal: 'Le fournisseur d’identité refuse de donner un jeton : reconnectez-vous.' };
  } catch {
    return { refusal: 'Le fournisseur d’identité ne répond pas, ou n’admet pas cette page.' };
  }
}
