// One rupture: who it is about, how to call, what is noted. Each value that is missing says why it is.
import { fill, h } from './dom.js';
import { FollowUpForm, type Noted } from './followup.js';
import { type Answer, ask } from './gateway.js';
import { FicheDocument, type FicheQuery, type SuiviDeFicheFragment } from './graphe/graphql.js';
import { fullName, type Row, type Session } from './list.js';
import { day, ETATS, MOTIFS_ACCOMPAGNEMENT, nameOfSource, since, SITUATIONS } from './words.js';
import { isRefused, lacking, worth } from './worth.js';

type Whole = NonNullable<FicheQuery['rupture']>;
export type Changed = Pick<Row, 'id' | 'etat' | 'prioritaire' | 'motifsPriorite'>;

export class RecordView {
  readonly element = h('section', { class: 'fiche', 'aria-label': 'Fiche du jeune', hidden: true });
  shown: string | null = null;

  constructor(
    private readonly session: Session,
    private readonly changed: (rows: Changed[]) => void,
    private readonly close: () => void,
  ) {
    this.element.addEventListener('keydown', ({ key }) => key === 'Escape' && this.leave());
  }

  async open(row: Row): Promise<void> {
    this.shown = row.id;
    this.element.hidden = false;
    this.element.setAttribute('aria-busy', 'true');
    const title = h('h2', { tabindex: -1 }, fullName(row));
    const content = h('div', {}, h('p', { class: 'attente' }, 'Demande de la fiche…'));
    fill(this.element, this.back(), title, content); // once: what has the focus stays where it is when the answer comes
    title.focus();
    const answer = await ask(this.session.client, FicheDocument, { id: row.id });
    if (this.shown !== row.id) return;
    if (answer.status === 401) return this.session.quit('Votre accès a pris fin. Reconnectez-vous.');
    this.element.removeAttribute('aria-busy');
    fill(content, ...(answer.data?.rupture ? this.body(answer, answer.data.rupture) : [this.failure(answer, row)]));
  }

  private back(): HTMLElement {
    return h('button', { type: 'button', class: 'second retour', click: () => this.leave() }, 'Fermer la fiche');
  }

  private leave(): void {
    this.element.hidden = true;
    this.close();
  }

  private failure(answer: Answer<FicheQuery>, row: Row): HTMLElement {
    const reason = answer.data ? 'Cette rupture n’est plus dans votre périmètre.' : worth(answer).summary;
    const again = h('button', { type: 'button', class: 'second', click: () => void this.open(row) }, 'Réessayer');
    return h('div', { class: 'bandeau failed', role: 'alert' }, h('p', {}, reason), again);
  }

  private body(answer: Answer<FicheQuery>, { jeune, contrat, ...rupture }: Whole): HTMLElement[] {
    const value = new Missing(answer);
    const partial = worth(answer);
    const suivi = h('div', { class: 'suivi' });
    const state = h('span', {}, value.at(rupture.etat && ETATS[rupture.etat], 'etat'));
    this.showFollowUp(suivi, value, jeune?.suivi ?? null);
    const call = jeune?.telephone ? h('a', { href: `tel:${jeune.telephone}` }, phone(jeune.telephone)) : value.at(null, 'jeune', 'telephone');
    const mail = jeune?.courriel ? h('a', { href: `mailto:${jeune.courriel}` }, jeune.courriel) : value.at(null, 'jeune', 'courriel');
    const asked = jeune?.collaboration;
    const motifs = (asked?.motifs ?? []).map((motif) => MOTIFS_ACCOMPAGNEMENT[motif]).join(', ');
    return [
      ...(partial.tone === 'partial' ? [h('p', { class: 'bandeau partial' }, h('strong', {}, partial.summary), ` ${partial.advice}`)] : []),
      h('h3', {}, 'L’appeler'),
      facts(['Téléphone', call], ['Courriel', mail], ['Commune', value.at(jeune?.commune?.nom, 'jeune', 'commune')]),
      ...(asked?.demandeeLe
        ? [h('p', { class: 'appel' }, `Son CFA demande de l’aide depuis le ${day(asked.demandeeLe)}${motifs ? ` : ${motifs}` : ''}.${asked.referent ? ` Référent : ${asked.referent}.` : ''}`)]
        : []),
      h('h3', {}, 'Ce qui est noté'),
      suivi,
      this.form(jeune, value, (told, ruptures) => {
        this.showFollowUp(suivi, value, told);
        const etat = ruptures.find(({ id }) => id === rupture.id)?.etat;
        if (etat) fill(state, ETATS[etat]);
        this.changed(ruptures);
      }),
      h('h3', {}, 'La rupture'),
      facts(
        ['Date', `${day(rupture.date) ?? 'inconnue'} (${since(rupture.joursDepuis)})`],
        ['Dite par', (rupture.sources ?? []).map(nameOfSource).join(', ') || value.at(null, 'sources')],
        ['Signalée le', value.at(day(rupture.signaleeLe), 'signaleeLe')],
        ['Cause', value.at(rupture.cause, 'cause')],
        ['État', state],
      ),
      h('h3', {}, 'Le contrat'),
      facts(
        ['Employeur', value.at(contrat?.employeur?.denomination, 'contrat', 'employeur')],
        ['Formation', value.at(contrat?.formation?.intitule, 'contrat', 'formation')],
        ['CFA', value.at(contrat?.cfa?.nom, 'contrat', 'cfa')],
        ['Durée prévue', contrat?.dateDebut ? `du ${day(contrat.dateDebut)} au ${day(contrat.dateFin) ?? 'jour inconnu'}` : value.at(null, 'contrat', 'dateDebut')],
      ),
      h('h3', {}, 'Identité'),
      facts(
        ['Naissance', value.at(day(jeune?.dateNaissance), 'jeune', 'dateNaissance')],
        ['Âge', `${jeune?.age ?? '?'} ans${jeune?.mineur ? ', mineur' : ''}`],
        ['Identifiant national (INE)', value.at(jeune?.ine, 'jeune', 'ine')],
      ),
    ];
  }

  private form(jeune: Whole['jeune'], value: Missing, noted: Noted): HTMLElement {
    if (!jeune) return h('p', {}, value.at(null, 'jeune'));
    return new FollowUpForm(this.session, jeune.id, jeune.suivi?.version ?? null, noted).element;
  }

  private showFollowUp(where: HTMLElement, value: Missing, suivi: SuiviDeFicheFragment | null): void {
    if (!suivi?.situation) return fill(where, h('p', {}, value.at(null, 'jeune', 'suivi', 'Rien n’est noté.')));
    const precise = suivi.situationAutre ? ` : ${suivi.situationAutre}` : '';
    fill(
      where,
      h('p', {}, h('strong', {}, `${SITUATIONS[suivi.situation]}${precise}`), suivi.date && `, le ${day(suivi.date)}`, suivi.conseiller && `, par ${suivi.conseiller}`),
      suivi.commentaire && h('blockquote', {}, suivi.commentaire),
    );
  }
}

/** Three kinds of null: refused to this profile, unknown because a source did not answer, or truly not there. */
class Missing {
  private readonly unheard: boolean;

  constructor(private readonly answer: Answer<FicheQuery>) {
    this.unheard = lacking(answer).length > 0;
  }

  /** The value, or why it is not there; the last part may be what to say of a true absence. */
  at(value: string | null | undefined, ...place: string[]): HTMLElement | string {
    if (value) return value;
    const absent = place.length > 1 && place.at(-1)?.includes(' ') ? place.pop() : undefined;
    if (isRefused(this.answer, 'rupture', ...place)) return h('span', { class: 'manque refuse' }, 'Refusé à votre profil');
    if (this.unheard) return h('span', { class: 'manque' }, 'Inconnu : un système ne répond pas');
    return h('span', { class: 'manque' }, absent ?? 'Non renseigné');
  }
}

const facts = (...rows: [string, HTMLElement | string][]) =>
  h('dl', {}, ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));

const phone = (number: string) => number.replace(/^\+33/, '0').replace(/(\d{2})(?=\d)/g, '$1 ');
