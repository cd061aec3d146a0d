// A token from the provider that the configuration names: OAuth2 authorization code with PKCE (RFC 7636), as a public client.
// The whole page goes to the provider and comes back: a window of its own would be cut off (cross-origin-opener-policy).
const GARDE = 'passerelle:connexion';

// { autorisation, jeton, client, portee }, or null where the page has no provider.
export const fournisseur = JSON.parse(document.querySelector('meta[name=connexion]')?.content || 'null');

const base64url = (octets) =>
  btoa(String.fromCharCode(...new Uint8Array(octets))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const hasard = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const adresse = () => location.origin + location.pathname;

export async function partir() {
  const garde = { verificateur: hasard(), etat: hasard() };
  const empreinte = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(garde.verificateur));
  sessionStorage.setItem(GARDE, JSON.stringify(garde));
  const cible = new URL(fournisseur.autorisation);
  const demande = {
    response_type: 'code',
    client_id: fournisseur.client,
    redirect_uri: adresse(),
    scope: fournisseur.portee,
    state: garde.etat,
    code_challenge: base64url(empreinte),
    code_challenge_method: 'S256',
  };
  Object.entries(demande).forEach(([nom, valeur]) => cible.searchParams.set(nom, valeur));
  location.assign(cible);
}

// { jeton } or { refus } when the provider has just sent the page back, else {}. The code is taken out of the address at once.
export async function revenir() {
  const recu = new URLSearchParams(location.search);
  if (!fournisseur || !recu.has('state')) return {};
  history.replaceState(null, '', location.pathname);
  const { verificateur, etat } = JSON.parse(sessionStorage.getItem(GARDE) ?? '{}');
  sessionStorage.removeItem(GARDE);
  if (recu.get('state') !== etat) return { refus: 'Cette connexion n’a pas été demandée par cet onglet : recommencez.' };
  if (!recu.get('code')) return { refus: 'Le fournisseur d’identité n’a pas accordé la connexion.' };
  return echanger(recu.get('code'), verificateur);
}

async function echanger(code, verificateur) {
  const demande = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: adresse(),
    client_id: fournisseur.client,
    code_verifier: verificateur,
  };
  try {
    const reponse = await fetch(fournisseur.jeton, { method: 'POST', body: new URLSearchParams(demande), credentials: 'omit' });
    const { access_token: jeton } = await reponse.json();
    return jeton ? { jeton } : { refus: 'Le fournisseur d’identité refuse de donner un jeton : reconnectez-vous.' };
  } catch {
    return { refus: 'Le fournisseur d’identité ne répond pas, ou n’admet pas cette page.' };
  }
}
