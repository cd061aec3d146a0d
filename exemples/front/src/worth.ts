// What an answer is worth, in sentences: whole or partial, which source lacks, how old the data are, what is refused. A null alone
// says nothing: it may be an absence, a refusal, or a source that did not answer, and each is told apart.
import type { Answer, GatewayError, Preparation, Source } from './gateway.js';
import { nameOfSource } from './words.js';

/** `age`: of the oldest data, in a sentence; `sources`: of each. */
export type Worth = { tone: 'whole' | 'partial' | 'failed'; summary: string; age: string; sources: string[]; advice: string };

const REFUSALS = new Set(['CHAMP_REFUSE', 'FINALITE_REQUISE', 'ARGUMENT_REFUSE', 'ACTE_REFUSE']);

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} jours`;
}

/** The sources that did not answer, by name. */
export const lacking = ({ errors }: Answer<unknown>) => [
  ...new Set(errors.flatMap(({ extensions }) => (extensions.source ? [extensions.source] : []))),
];

/** Whether what stands at this place is refused, and not absent. */
export const isRefused = ({ errors }: Answer<unknown>, ...path: string[]) =>
  errors.some((error) => isRefusal(error) && placeOf(error) === path.join('.'));

const isRefusal = ({ extensions }: GatewayError) => REFUSALS.has(extensions.code ?? '');
const placeOf = ({ path }: GatewayError) => (path ?? []).filter((part) => typeof part === 'string').join('.');

function age({ nom, ageSecondes, cache, partiel }: Source): string {
  const name = `${nameOfSource(nom)}\u00a0: `;
  if (ageSecondes === null || ageSecondes === undefined) return name + (partiel ? 'pas de réponse' : 'rien à dire');
  const copy = cache === 'moisson' ? 'copie d’il y a' : 'il y a';
  return `${name}${copy} ${duration(ageSecondes)}${partiel ? ', pas de réponse depuis' : ''}`;
}

function oldest(sources: Source[]): string {
  const ages = sources.flatMap(({ ageSecondes }) => (ageSecondes === null || ageSecondes === undefined ? [] : [ageSecondes]));
  return ages.length ? `Données d’il y a ${duration(Math.max(...ages))} au plus, système par système` : 'Système par système';
}

export function worth(answer: Answer<unknown>): Worth {
  const told = { age: oldest(answer.sources), sources: answer.sources.map(age) };
  if (!answer.data) return { tone: 'failed', summary: failure(answer), advice: '', ...told };
  if (answer.preparation) return { tone: 'partial', summary: preparing(answer.preparation), advice: 'La liste est redemandée d’elle-même.', ...told };
  const names = lacking(answer).map(nameOfSource);
  if (!names.length) return { tone: 'whole', summary: 'Tous les systèmes ont répondu.', advice: '', ...told };
  const plural = names.length > 1;
  return {
    tone: 'partial',
    summary: `Réponse partielle : ${names.join(', ')} ${plural ? 'ne répondent pas' : 'ne répond pas'}.`,
    ...told,
    advice: `Ce que ${plural ? 'ces systèmes savent' : 'ce système sait'} peut manquer ici, ou dater. Une absence n’est pas une preuve.`,
  };
}

const preparing = ({ unites, sur }: Preparation) => `Votre territoire se prépare : ${unites} établissements lus sur ${sur}.`;

/** Why there is nothing, and what to do. */
function failure({ status, errors, retryAfter }: Answer<unknown>): string {
  const wait = retryAfter ? ` Réessayez dans ${duration(retryAfter)}.` : '';
  if (status === 0) return 'La passerelle ne répond pas. Vérifiez le réseau, puis réessayez.';
  if (status === 429) return `Trop de demandes pour le moment.${wait}`;
  if (status === 503) return `La passerelle est momentanément indisponible.${wait}`;
  return errors[0]?.message ?? 'La demande n’a pas abouti.';
}
