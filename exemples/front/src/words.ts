// The French of the codes of the graph. The compiler asks for each of them: a code that the schema gains is missed here at once.
import type { EtatEcriture, EtatTraitement, MotifAccompagnement, MotifPriorite, SituationSuivi } from './graphe/graphql.js';

export const SITUATIONS: Record<SituationSuivi, string> = {
  RDV_PRIS: 'Rendez-vous pris',
  CONTACTE_SANS_RETOUR: 'Appelé, sans réponse',
  INJOIGNABLE_APRES_RELANCES: 'Injoignable après plusieurs appels',
  COORDONNEES_INCORRECT: 'Coordonnées fausses',
  NOUVEAU_CONTRAT: 'A un nouveau contrat',
  CHERCHE_CONTRAT: 'Cherche un contrat, sans aide voulue',
  NOUVEAU_PROJET: 'A un autre projet',
  REORIENTATION: 'Change d’orientation, sans aide voulue',
  DEJA_ACCOMPAGNE: 'Déjà accompagné',
  NE_VEUT_PAS_ACCOMPAGNEMENT: 'Refuse l’accompagnement',
  NE_SOUHAITE_PAS_ETRE_RECONTACTE: 'Ne souhaite pas être rappelé',
  AUTRE: 'Autre',
};

export const ETATS: Record<EtatTraitement, string> = {
  A_TRAITER: 'À traiter',
  INJOIGNABLE: 'Injoignable',
  TRAITE: 'Traitée',
};

export const MOTIFS_PRIORITE: Record<MotifPriorite, string> = {
  ACCOMPAGNEMENT_CONJOINT: 'le CFA demande de l’aide',
  SOUHAITE_RDV: 'souhaite un rendez-vous',
  RQTH: 'handicap reconnu',
  MINEUR: 'mineur',
};

export const MOTIFS_ACCOMPAGNEMENT: Record<MotifAccompagnement, string> = {
  MOBILITE: 'se déplacer',
  LOGEMENT: 'se loger',
  SANTE: 'santé',
  FINANCE: 'argent',
  ADMINISTRATIF: 'démarches',
  SOCIAL_FAMILIAL: 'situation sociale ou familiale',
  REORIENTATION: 'changer d’orientation',
  RECHERCHE_EMPLOI: 'trouver un contrat',
  AUTRE: 'autre',
};

export const ECRITURES: Record<EtatEcriture, string> = {
  EN_ATTENTE: 'Il part vers le système de votre Mission locale.',
  TRANSMISE: 'Le système de votre Mission locale l’a reçu.',
  CONSERVEE: 'La passerelle le garde et le montre.',
  REFUSEE: 'Le système de votre Mission locale l’a refusé.',
  EN_ECHEC: 'Le système de votre Mission locale n’a pas pu le recevoir.',
  ABANDONNEE: 'Il a été retiré.',
};

const SOURCES: Record<string, string> = {
  imilo: 'i-milo',
  registre: 'registre des contrats',
  depot: 'déclaré par la passerelle',
  transmissions: 'envois des CFA',
};

export const nameOfSource = (name: string) => SOURCES[name] ?? name.charAt(0).toUpperCase() + name.slice(1);

export const day = (date: string | null | undefined) =>
  date ? new Date(date).toLocaleDateString('fr', { day: 'numeric', month: 'long', year: 'numeric' }) : null;

export const since = (days: number | null | undefined) => {
  if (days === null || days === undefined) return '';
  if (days === 0) return 'aujourd’hui';
  return days === 1 ? 'hier' : `il y a ${days} jours`;
};
