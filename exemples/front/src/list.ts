// The list: its filter, its pages by cursor, what its last answer is worth, what arrives while it is looked at.
import type { Client } from '@urql/core';
import { fill, h } from './dom.js';
import { type Answer, ask } from './gateway.js';
import type { FiltreRuptures, RuptureDeListeFragment, RupturesQuery, TriRuptures } from './graphe/graphql.js';
import { RupturesDocument } from './graphe/graphql.js';
import { type Arrival, Live } from './live.js';
import { RecordView } from './record.js';
import { day, ETATS, MOTIFS_PRIORITE, since } from './words.js';
import { worth } from './worth.js';

export type Session = { client: Client; token: string; url: string; quit: (reason?: string) => void };
export type Row = RuptureDeListeFragment;
const AGAIN = 3000; // milliseconds before a list that is being prepared is asked again
const PATIENCE = 3000; // milliseconds that the list waits for the stream, so that nothing falls between the two

const FILTERS: Record<string, { label: string; filtre: FiltreRuptures }> = {
  toutes: { label: 'Toutes', filtre: {} },
  aTraiter: { label: 'À traiter', filtre: { etat: 'A_TRAITER' } },
  prioritaires: { label: 'Prioritaires', filtre: { prioritaire: true } },
  injoignables: { label: 'Injoignables', filtre: { etat: 'INJOIGNABLE' } },
  traitees: { label: 'Traitées', filtre: { etat: 'TRAITE' } },
};
const ORDERS: Partial<Record<TriRuptures, string>> = {
  PRIORITE: 'Priorité',
  DATE_DESC: 'Date de rupture',
  SIGNALEE_DESC: 'Date de signalement',
  NOM_ASC: 'Nom',
};

export const fullName = (row: Pick<Row, 'jeune'>) => [row.jeune?.prenom, row.jeune?.nom].filter(Boolean).join(' ') || 'Nom inconnu';

export class ListView {
  readonly element: HTMLElement;
  private readonly banner = h('div', { class: 'bandeau', role: 'status' }, 'Demande aux systèmes partenaires…');
  private readonly news = h('div', { class: 'nouvelles', role: 'status' });
  private readonly direct = h('p', { class: 'direct' }, 'Connexion en direct…');
  private readonly count = h('p', { class: 'compte' });
  private readonly items = h('ol', { class: 'cartes' });
  private readonly more = h('button', { type: 'button', class: 'second suite', hidden: true, click: () => void this.next() }, 'Afficher la suite');
  private readonly live: Live;
  private readonly record: RecordView;
  private rows: Row[] = [];
  private arrived = new Set<string>();
  private total = 0;
  private after: string | null = null;
  private filter = 'toutes';
  private order: TriRuptures = 'PRIORITE';
  private asked = 0;
  private loaded = false;

  constructor(private readonly session: Session) {
    this.record = new RecordView(session, (rows) => this.changed(rows), () => this.closed());
    this.live = new Live(session.url, session.token, {
      open: (fresh) => this.opened(fresh),
      arrival: (arrival) => this.arrival(arrival),
      lost: (seconds) => this.lost(seconds),
      ended: (reason) => session.quit(`${reason} Reconnectez-vous.`),
    });
    this.element = h(
      'main',
      { id: 'contenu', class: 'travail', tabindex: -1 },
      h('div', { class: 'entete' }, this.banner, this.news),
      h('section', { class: 'liste', 'aria-label': 'Liste des ruptures' }, this.bar(), this.items, this.more),
      this.record.element,
    );
  }

  start(): void {
    this.live.follow(this.filtre);
    setTimeout(() => this.loaded || void this.load(), PATIENCE);
  }

  close(): void {
    this.live.stop();
    this.asked += 1;
  }

  private get filtre(): FiltreRuptures {
    return FILTERS[this.filter]?.filtre ?? {};
  }

  private bar(): HTMLElement {
    const options = (labels: [string, string | undefined][]) => labels.map(([value, label]) => h('option', { value }, label));
    const chosen = (event: Event) => (event.target as HTMLSelectElement).value;
    const filters = Object.entries(FILTERS).map(([value, { label }]): [string, string] => [value, label]);
    return h(
      'div',
      { class: 'barre' },
      h('label', {}, 'Afficher ', h('select', { name: 'filtre', change: (event) => this.choose(chosen(event), this.order) }, ...options(filters))),
      h(
        'label',
        {},
        'Trier ',
        h('select', { name: 'tri', change: (event) => this.choose(this.filter, chosen(event) as TriRuptures) }, ...options(Object.entries(ORDERS))),
      ),
      this.count,
      this.direct,
    );
  }

  private choose(filter: string, order: TriRuptures): void {
    const listened = filter === this.filter;
    [this.filter, this.order] = [filter, order];
    this.arrived.clear();
    fill(this.news);
    if (!listened) this.live.follow(this.filtre);
    void this.load();
  }

  /** The first page, in the place of all that is shown. */
  private async load(): Promise<void> {
    this.loaded = true;
    this.items.setAttribute('aria-busy', 'true');
    const answer = await this.page(null);
    if (!answer) return;
    this.show(answer, []);
    const mine = this.asked;
    if (answer.preparation) setTimeout(() => mine === this.asked && void this.load(), AGAIN);
  }

  private async next(): Promise<void> {
    const known = this.rows.length;
    this.more.disabled = true;
    const answer = await this.page(this.after);
    this.more.disabled = false;
    if (!answer) return;
    this.show(answer, this.rows);
    this.items.children[known]?.querySelector('button')?.focus();
  }

  /** One page; null when something else was asked meanwhile, or nothing is to be shown any more. */
  private async page(after: string | null): Promise<Answer<RupturesQuery> | null> {
    this.asked += 1;
    const mine = this.asked;
    const answer = await ask(this.session.client, RupturesDocument, { filtre: this.filtre, tri: this.order, after });
    if (mine !== this.asked) return null;
    if (answer.status === 401) {
      this.session.quit('Votre accès a pris fin. Reconnectez-vous.');
      return null;
    }
    return answer;
  }

  private show(answer: Answer<RupturesQuery>, before: Row[]): void {
    this.tell(answer);
    this.items.removeAttribute('aria-busy');
    const list = answer.data?.ruptures;
    if (!list) return; // what was shown stays, and the banner says why there is nothing newer
    const known = new Set(before.map(({ id }) => id));
    this.rows = [...before, ...list.nodes.filter(({ id }) => !known.has(id))];
    this.total = list.totalCount;
    this.after = list.pageInfo.hasNextPage ? list.pageInfo.endCursor : null;
    this.draw();
  }

  private tell(answer: Answer<unknown>): void {
    const { tone, summary, age, sources, advice } = worth(answer);
    const each = h('ul', {}, ...sources.map((source) => h('li', {}, source)));
    this.banner.className = `bandeau ${tone}`;
    fill(
      this.banner,
      h('p', {}, h('strong', {}, summary), advice && ` ${advice}`),
      sources.length > 0 && h('details', { class: 'sources' }, h('summary', {}, age), each),
      tone !== 'whole' && h('button', { type: 'button', class: 'second', click: () => void this.load() }, 'Réessayer'),
    );
  }

  private draw(): void {
    const shown = `${this.rows.length} sur ${this.total}`;
    fill(this.count, this.total ? shown : 'Aucune rupture ici');
    fill(this.items, ...this.rows.map((row) => this.card(row)));
    this.more.hidden = this.after === null;
  }

  private card(row: Row): HTMLElement {
    const open = this.record.shown === row.id;
    const facts = [row.jeune?.age && `${row.jeune.age} ans`, row.jeune?.commune?.nom, row.contrat?.cfa?.nom].filter(Boolean).join(' · ');
    const reasons = (row.motifsPriorite ?? []).map((motif) => MOTIFS_PRIORITE[motif]).join(', ');
    return h(
      'li',
      { class: `carte${open ? ' ouverte' : ''}`, 'data-id': row.id },
      h('h2', {}, h('button', { type: 'button', 'aria-expanded': String(open), click: () => this.open(row) }, fullName(row))),
      h('p', {}, `Contrat rompu le ${day(row.date) ?? 'jour inconnu'}, ${since(row.joursDepuis)}`),
      facts && h('p', { class: 'discret' }, facts),
      h(
        'p',
        { class: 'marques' },
        this.arrived.has(row.id) && h('span', { class: 'marque nouvelle' }, 'Nouvelle'),
        row.prioritaire && h('span', { class: 'marque prioritaire' }, `Prioritaire${reasons ? ` : ${reasons}` : ''}`),
        h('span', { class: `marque ${row.etat ?? 'inconnu'}` }, row.etat ? ETATS[row.etat] : 'Suivi inconnu'),
      ),
    );
  }

  private open(row: Row): void {
    this.element.classList.add('fiche-ouverte');
    void this.record.open(row);
    this.draw();
  }

  /** The record was closed: back to where it was opened. */
  private closed(): void {
    this.element.classList.remove('fiche-ouverte');
    const id = this.record.shown;
    this.record.shown = null;
    this.draw();
    const card = this.items.querySelector(`[data-id="${CSS.escape(id ?? '')}"] button`) as HTMLElement | null;
    (card ?? this.element).focus();
  }

  /** What a follow-up changed of these ruptures. */
  private changed(rows: Pick<Row, 'id' | 'etat' | 'prioritaire' | 'motifsPriorite'>[]): void {
    const told = new Map(rows.map((row) => [row.id, row]));
    this.rows = this.rows.map((row) => ({ ...row, ...told.get(row.id) }));
    this.draw();
  }

  private opened(fresh: boolean): void {
    this.direct.className = 'direct ouvert';
    fill(this.direct, 'En direct');
    if (fresh) void this.load();
  }

  private lost(seconds: number): void {
    this.direct.className = 'direct';
    fill(this.direct, `Direct interrompu, nouvel essai dans ${seconds} s`);
    if (!this.loaded) void this.load();
  }

  private arrival({ type, rupture }: Arrival): void {
    if (type !== 'RUPTURE_NOUVELLE' || !rupture) return void this.load(); // taken back, or missed: the list says what is true now
    const known = this.rows.some(({ id }) => id === rupture.id);
    this.rows = [rupture, ...this.rows.filter(({ id }) => id !== rupture.id)];
    this.arrived.add(rupture.id);
    if (!known) this.total += 1;
    this.draw();
    fill(
      this.news,
      h('p', {}, h('strong', {}, 'Une rupture vient d’arriver. '), `${fullName(rupture)}, contrat rompu le ${day(rupture.date)}.`),
      h('button', { type: 'button', class: 'second', click: () => this.open(rupture) }, 'Ouvrir sa fiche'),
    );
  }
}
