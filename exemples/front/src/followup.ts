// The form that notes a follow-up, once: the same content is sent again with the same key, so that a cut never writes twice. What the
// adviser can mend comes as data, each at its field; the rest is told, and nothing typed is lost.
import { fill, h } from './dom.js';
import { type Answer, write } from './gateway.js';
import { NoterSuiviDocument, type NoterSuiviMutation, type SituationSuivi, type SuiviDeFicheFragment } from './graphe/graphql.js';
import type { Session } from './list.js';
import type { Changed } from './record.js';
import { ECRITURES, SITUATIONS } from './words.js';
import { worth } from './worth.js';

type Result = NoterSuiviMutation['noterSuivi'];
export type Noted = (suivi: SuiviDeFicheFragment | null, ruptures: Changed[]) => void;

export class FollowUpForm {
  readonly element: HTMLFormElement;
  private readonly said = h('div', { class: 'dit', role: 'status' });
  private readonly situation = h('select', { id: 'situation', name: 'situation' }, h('option', { value: '' }, 'À choisir'));
  private readonly other = h('input', { id: 'situationAutre', name: 'situationAutre', maxlength: 2000 });
  private readonly otherField: HTMLElement;
  private readonly comment = h('textarea', { id: 'commentaire', name: 'commentaire', rows: 3, maxlength: 2000 });
  private readonly send = h('button', { type: 'submit', class: 'principal' }, 'Noter');
  private key = { cle: '', content: '' };

  constructor(
    private readonly session: Session,
    private readonly jeune: string,
    private version: string | null,
    private readonly noted: Noted,
  ) {
    for (const [value, label] of Object.entries(SITUATIONS)) this.situation.append(h('option', { value }, label));
    this.situation.addEventListener('change', () => (this.otherField.hidden = this.situation.value !== 'AUTRE'));
    this.otherField = field('Laquelle ?', this.other);
    this.otherField.hidden = true;
    this.element = h(
      'form',
      { class: 'formulaire', novalidate: true, submit: (event) => this.submit(event) },
      h('h4', {}, 'Noter un appel'),
      field('Situation', this.situation),
      this.otherField,
      field('Commentaire (facultatif)', this.comment),
      this.send,
      this.said,
    );
  }

  private submit(event: Event): void {
    event.preventDefault();
    void this.note();
  }

  private async note(): Promise<void> {
    const content = {
      jeune: this.jeune,
      version: this.version,
      situation: (this.situation.value || null) as SituationSuivi | null,
      situationAutre: this.situation.value === 'AUTRE' ? this.other.value : null,
      commentaire: this.comment.value.trim() || null,
    };
    this.clean();
    if (!content.situation && !content.commentaire) return this.refuse('situation', 'Choisissez une situation, ou écrivez un commentaire.');
    this.busy(true);
    const answer = await write(this.session.client, NoterSuiviDocument, { saisie: { cle: this.keyOf(JSON.stringify(content)), ...content } });
    this.busy(false);
    if (answer.status === 401) return this.session.quit('Votre accès a pris fin : rien n’est noté. Reconnectez-vous.');
    const result = answer.data?.noterSuivi;
    if (!result) return this.failed(answer);
    if (result.erreurs.length) return this.mend(result);
    this.done(result);
  }

  /** One key for one content: said again, it writes nothing more. */
  private keyOf(content: string): string {
    if (this.key.content !== content) this.key = { cle: crypto.randomUUID(), content };
    return this.key.cle;
  }

  private done({ ecriture, jeune }: Result): void {
    const again = ecriture?.rejouee ? ' Il l’était déjà : rien n’est écrit deux fois.' : '';
    this.key = { cle: '', content: '' };
    this.version = jeune?.suivi?.version ?? null;
    this.element.reset();
    this.otherField.hidden = true;
    this.say('whole', `Suivi noté. ${ecriture ? ECRITURES[ecriture.etat] : ''}${again}`);
    this.noted(jeune?.suivi ?? null, jeune?.ruptures ?? []);
  }

  private mend({ erreurs, jeune }: Result): void {
    for (const { code, champ, message } of erreurs) {
      if (code === 'CONFLIT') {
        this.version = jeune?.suivi?.version ?? null;
        this.noted(jeune?.suivi ?? null, jeune?.ruptures ?? []);
        this.say('partial', 'Quelqu’un a noté autre chose entre-temps : c’est affiché au-dessus. Relisez, puis notez à nouveau si besoin.');
      } else this.refuse(champ ?? '', message);
    }
  }

  private failed(answer: Answer<NoterSuiviMutation>): void {
    const again = answer.status === 0 || answer.status >= 500;
    const advice = again ? ' Rien n’est perdu : « Noter » redit la même chose, et n’écrit qu’une fois.' : '';
    this.say('failed', `${worth(answer).summary}${advice}`);
  }

  /** What is to be mended, beside its field, which is then where one is. */
  private refuse(name: string, message: string): void {
    const input = this.element.querySelector<HTMLElement>(`[name="${CSS.escape(name)}"]`);
    const reason = document.getElementById(`${name}-erreur`);
    if (!input || !reason) return this.say('failed', message);
    fill(reason, message);
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  }

  private clean(): void {
    fill(this.said);
    this.said.className = 'dit';
    this.element.querySelectorAll('[aria-invalid]').forEach((input) => input.removeAttribute('aria-invalid'));
    this.element.querySelectorAll('.erreur').forEach((reason) => reason.replaceChildren());
  }

  private busy(busy: boolean): void {
    this.send.disabled = busy;
    this.send.textContent = busy ? 'Envoi…' : 'Noter';
  }

  private say(tone: string, text: string): void {
    this.said.className = `dit bandeau ${tone}`;
    fill(this.said, h('p', {}, text));
  }
}

function field(label: string, input: HTMLElement): HTMLElement {
  const reason = `${input.id}-erreur`;
  input.setAttribute('aria-describedby', reason);
  return h('div', { class: 'champ' }, h('label', { for: input.id }, label), input, h('p', { class: 'erreur', id: reason }));
}
