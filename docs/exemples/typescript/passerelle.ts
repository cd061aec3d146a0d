// Un client de la passerelle, réduit à ce qu'il lui faut : un jeton, un POST, et savoir réessayer.
// L'environnement dit où appeler et comme qui. Sans lui : la démonstration (`make run`), comme une Mission locale.
const env = process.env;
const ADRESSE = env.PASSERELLE_URL ?? 'http://127.0.0.1:8000/graphql';
const ADRESSE_JETON = env.PASSERELLE_URL_JETON ?? 'http://127.0.0.1:8010/token';
const QUI = { client_id: env.PASSERELLE_CLIENT ?? 'ml', client_secret: env.PASSERELLE_SECRET ?? 'demo' };
const FINALITE = env.PASSERELLE_FINALITE; // inutile à qui n'en a qu'une
const ESSAIS = 5;

/** Une erreur ; `code` vient d'une liste fermée (docs/erreurs.md). */
export interface Erreur {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; source?: string };
}

export interface Reponse<D> {
  data: D | null;
  errors?: Erreur[];
  extensions?: { refus?: { chemin: string[]; nombre: number }[] };
}

export interface Corps {
  query?: string;
  documentId?: string;
  variables?: Record<string, unknown>;
}

/** La requête entière est refusée : rien n'a été lu. */
export class Refus extends Error {
  constructor(readonly code: string, message: string) {
    super(`${code} : ${message}`);
  }
}

let jeton = '';
let fin = 0;

async function jetonValable(): Promise<string> {
  if (Date.now() > fin) {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...QUI });
    const recu = await fetch(ADRESSE_JETON, { method: 'POST', body });
    if (!recu.ok) throw new Error(`pas de jeton : ${recu.status}`);
    const { access_token, expires_in } = (await recu.json()) as { access_token: string; expires_in: number };
    jeton = access_token;
    fin = Date.now() + (expires_in - 60) * 1000; // une minute d'avance : une requête le trouve encore bon
  }
  return jeton;
}

/** La réponse entière : `data`, et les erreurs à côté. Lève Refus quand il n'y a rien à montrer. */
export async function demander<D>(corps: Corps): Promise<Reponse<D> & { data: D }> {
  for (let essai = 1; ; essai += 1) {
    const headers: Record<string, string> = { 'content-type': 'application/json', authorization: `Bearer ${await jetonValable()}` };
    if (FINALITE) headers['x-finalite'] = FINALITE;
    const recu = await fetch(ADRESSE, { method: 'POST', headers, body: JSON.stringify(corps) });
    const reponse = (await recu.json()) as Reponse<D>;
    if ([429, 503].includes(recu.status) && essai < ESSAIS) {
      // Attendre ce qui est demandé, et un peu plus au hasard : tous ne reviennent pas à la même seconde.
      const secondes = Number(recu.headers.get('retry-after') ?? 1) * (1 + Math.random() / 2);
      await new Promise((reprendre) => setTimeout(reprendre, secondes * 1000));
    } else if (reponse.data) {
      return { ...reponse, data: reponse.data };
    } else {
      const erreur = reponse.errors?.[0];
      throw new Refus(erreur?.extensions.code ?? 'ERREUR_INTERNE', erreur?.message ?? `HTTP ${recu.status}`);
    }
  }
}

/** Une phrase par source qui manque et par champ refusé : à montrer à côté des données, jamais à leur place. */
export function ceQuiManque({ errors = [], extensions }: Reponse<unknown>): string[] {
  const sources = errors
    .filter(({ extensions: { code } }) => code.startsWith('SOURCE_'))
    .map(({ extensions: { code, source } }) => `réponse partielle : ${source} n'a pas répondu (${code})`);
  const refus = (extensions?.refus ?? []).map(({ chemin, nombre }) => `champ refusé : ${chemin.join('.')} (${nombre} fois)`);
  return [...sources, ...refus];
}
