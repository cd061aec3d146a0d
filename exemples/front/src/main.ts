// The page: who asks, then the list of ruptures of a Mission locale. A token that ends brings back to the first.
import './style.css';
import { type Configuration, readConfiguration } from './configuration.js';
import { fill, h } from './dom.js';
import { ask, openClient, PURPOSE } from './gateway.js';
import { MoiDocument } from './graphe/graphql.js';
import { ListView } from './list.js';
import { comeBack, leave } from './signin.js';
import { worth } from './worth.js';

const page = document.getElementById('page') as HTMLElement;

function welcome(configuration: Configuration, refusal = ''): void {
  const signIn = () => leave(configuration).catch(() => welcome(configuration, 'La connexion demande une page ouverte en https.'));
  fill(
    page,
    head(),
    h(
      'main',
      { id: 'contenu', class: 'accueil', tabindex: -1 },
      h('h2', {}, 'Les jeunes de votre territoire qui viennent de perdre leur contrat'),
      h('p', {}, 'La liste se remplit d’elle-même : une rupture arrive dès qu’un CFA la connaît. Vous notez vos appels une seule fois.'),
      refusal && h('p', { class: 'bandeau failed', role: 'alert' }, refusal),
      h('button', { type: 'button', class: 'principal', click: signIn }, 'Se connecter'),
      h('p', { class: 'discret' }, 'Exemple d’interface de la passerelle apprentissage. Toutes les personnes sont fictives.'),
    ),
  );
}

function head(organisation?: string, quit?: () => void): HTMLElement {
  return h(
    'header',
    { class: 'tete' },
    h('h1', {}, 'Ruptures de contrat'),
    organisation && h('p', { class: 'organisation' }, organisation),
    quit && h('button', { type: 'button', class: 'second', click: quit }, 'Se déconnecter'),
  );
}

async function open(configuration: Configuration, token: string): Promise<void> {
  const client = openClient(configuration.passerelle, token);
  const told = await ask(client, MoiDocument, {});
  const moi = told.data?.moi;
  if (!moi) return welcome(configuration, worth(told).summary);
  if (!moi.finalites.includes(PURPOSE))
    return welcome(configuration, `Cette page sert à l’accompagnement : « ${moi.organisation ?? moi.profil} » n’y est pas inscrit.`);
  const quit = (reason = '') => {
    view.close();
    welcome(configuration, reason);
  };
  const view = new ListView({ client, token, url: configuration.passerelle, quit });
  fill(page, head(moi.organisation ?? moi.profil, () => quit()), view.element);
  view.start();
}

try {
  const configuration = await readConfiguration();
  const { token, refusal } = await comeBack(configuration);
  if (token) await open(configuration, token);
  else welcome(configuration, refusal);
} catch {
  fill(page, h('main', { id: 'contenu' }, h('p', { role: 'alert' }, 'La page n’a pas pu lire sa configuration.')));
}
