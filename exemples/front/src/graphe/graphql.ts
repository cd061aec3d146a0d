/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Pourquoi une écriture n'est pas acceptée : ce que l'appelant peut corriger. */
export type CodeErreurEcriture =
  /** Ce qui est modifié a changé depuis la version donnée. */
  | 'CONFLIT'
  /** Aucun objet de mon périmètre n'a cet identifiant. */
  | 'INTROUVABLE'
  /** Une valeur ne convient pas : `champ` dit laquelle. */
  | 'INVALIDE'
  /** L'adresse ne dit pas quelle Mission locale est compétente. */
  | 'MISSION_LOCALE_AMBIGUE'
  /** L'état du jeune, du contrat ou de l'écriture ne le permet pas. */
  | 'NON_ELIGIBLE';

/** Ce que la Mission locale savait du jeune. */
export type ConnaissanceMl =
  /** Connu d'elle, sans être accompagné. */
  | 'CONNU_NON_ACCOMPAGNE'
  /** Déjà accompagné par la Mission locale. */
  | 'DEJA_ACCOMPAGNE_ACTIVEMENT'
  /** Inconnu d'elle jusqu'ici. */
  | 'NON_CONNU';

/** Où en est une écriture. */
export type EtatEcriture =
  /** Retirée avant d'être transmise. */
  | 'ABANDONNEE'
  /** Gardée par la passerelle : aucun système de partenaire ne la reçoit. */
  | 'CONSERVEE'
  /** Acceptée, à transmettre au système du partenaire. */
  | 'EN_ATTENTE'
  /** Pas transmise en un jour : à reprendre ou à abandonner. */
  | 'EN_ECHEC'
  /** Refusée par le système du partenaire, qui dit pourquoi. */
  | 'REFUSEE'
  /** Reçue par le système du partenaire. */
  | 'TRANSMISE';

/** Où en est le traitement d'une rupture par la Mission locale. */
export type EtatTraitement =
  /** Aucune situation n'est notée pour cette rupture. */
  | 'A_TRAITER'
  /** Appelé, sans réponse. */
  | 'INJOIGNABLE'
  /** Une situation est notée. */
  | 'TRAITE';

/** Filtre des ruptures. Sans filtre : 180 derniers jours, jeunes sans nouveau contrat. */
export type FiltreRuptures = {
  /** Âge le plus élevé, compris. */
  ageMax?: number | null | undefined;
  /** UAI du CFA du contrat rompu. */
  cfa?: string | null | undefined;
  /** Communes de résidence (codes Insee). */
  communes?: Array<string> | null | undefined;
  /** Départements de résidence (codes). */
  departements?: Array<string> | null | undefined;
  /** Premier jour de la fenêtre (par défaut : il y a 180 jours). */
  depuis?: string | null | undefined;
  /** État du traitement par la Mission locale. */
  etat?: EtatTraitement | null | undefined;
  /** Dernier jour de la fenêtre (par défaut : aujourd'hui). */
  jusqua?: string | null | undefined;
  /** Mineurs, ou majeurs. */
  mineur?: boolean | null | undefined;
  /** Ce dont un dossier a changé depuis cet instant, ou ne dit pas quand. Ce qui est sorti de la liste n'y est pas. */
  modifieDepuis?: string | null | undefined;
  /** Ruptures prioritaires, ou les autres. */
  prioritaire?: boolean | null | undefined;
  /** Parties du nom ou du prénom, dans tout ordre, trois lettres au moins, sans égard aux accents. */
  recherche?: string | null | undefined;
  /** Statuts d'aujourd'hui (par défaut : RUPTURANT). */
  statut?: Array<StatutApprenant> | null | undefined;
};

/** Finalité du traitement, déclarée par l'en-tête X-Finalite. */
export type Finalite =
  /** Accompagner les jeunes en rupture ou sans contrat. */
  | 'ACCOMPAGNEMENT'
  /** Contrôler l'obligation de formation et le placement des apprentis. */
  | 'CONTROLE_OBLIGATION'
  /** Exploiter la passerelle. */
  | 'EXPLOITATION'
  /** Gérer les apprenants de son CFA. */
  | 'GESTION_CFA'
  /** Piloter une politique ou un réseau. */
  | 'PILOTAGE';

/** Motif d'une demande d'accompagnement conjoint. */
export type MotifAccompagnement =
  /** Démarches. */
  | 'ADMINISTRATIF'
  /** Autre. */
  | 'AUTRE'
  /** Argent. */
  | 'FINANCE'
  /** Se loger. */
  | 'LOGEMENT'
  /** Se déplacer. */
  | 'MOBILITE'
  /** Trouver un emploi ou un contrat. */
  | 'RECHERCHE_EMPLOI'
  /** Changer d'orientation. */
  | 'REORIENTATION'
  /** Santé. */
  | 'SANTE'
  /** Situation sociale ou familiale. */
  | 'SOCIAL_FAMILIAL';

/** Raison pour laquelle une rupture est prioritaire. */
export type MotifPriorite =
  /** Le CFA demande un accompagnement conjoint. */
  | 'ACCOMPAGNEMENT_CONJOINT'
  /** Moins de 18 ans. */
  | 'MINEUR'
  /** Handicap reconnu. */
  | 'RQTH'
  /** Le jeune souhaite un rendez-vous. */
  | 'SOUHAITE_RDV';

/** Profil de l'appelant, fixé par le registre des clients. */
export type Profil =
  /** Académie. */
  | 'ACADEMIE'
  /** Exploitant de la passerelle : ne lit que l'état des sources. */
  | 'ADMINISTRATEUR'
  /** Association régionale des Missions locales : ne lit personne. */
  | 'ARML'
  /** Centre de formation d'apprentis. */
  | 'CFA'
  /** Direction départementale de l'emploi, du travail et des solidarités. */
  | 'DDETS'
  /** Direction régionale de l'économie, de l'emploi, du travail et des solidarités. */
  | 'DREETS'
  /** France Travail, dans une région. */
  | 'FRANCE_TRAVAIL'
  /** Mission locale. */
  | 'MISSION_LOCALE'
  /** Opérateur de compétences : ne lit personne. */
  | 'OPCO'
  /** Région : ne lit personne. */
  | 'REGION'
  /** Système qui agit pour un organisme, et ne lit jamais plus que lui. */
  | 'SI_PARTENAIRE'
  /** Service statistique : ne lit personne. */
  | 'STATISTIQUES'
  /** Tête d'un réseau de CFA. */
  | 'TETE_DE_RESEAU';

/** Ce qu'un conseiller note du suivi d'un jeune. Rien de noté avant n'est effacé. */
export type SaisieSuivi = {
  /** Clé choisie par l'appelant, de 16 à 64 lettres sans accent, chiffres ou tirets : redite, elle n'écrit rien de plus. */
  cle: string | number;
  /** Commentaire. */
  commentaire?: string | null | undefined;
  /** Ce que la Mission locale savait du jeune. */
  connaissance?: ConnaissanceMl | null | undefined;
  /** Identifiant du jeune. */
  jeune: string | number;
  /** Situation présente. */
  situation?: SituationSuivi | null | undefined;
  /** Précision, exigée quand la situation est AUTRE. */
  situationAutre?: string | null | undefined;
  /** Version lue de ce qui est modifié : si elle a changé, CONFLIT. */
  version?: string | null | undefined;
};

/** Situation notée par la Mission locale. */
export type SituationSuivi =
  /** Autre, dite en clair dans `situationAutre`. */
  | 'AUTRE'
  /** Cherche un contrat, sans aide voulue. */
  | 'CHERCHE_CONTRAT'
  /** Appelé, sans réponse. */
  | 'CONTACTE_SANS_RETOUR'
  /** Ses coordonnées ne sont pas les bonnes. */
  | 'COORDONNEES_INCORRECT'
  /** Déjà suivi, par la Mission locale ou par un partenaire. */
  | 'DEJA_ACCOMPAGNE'
  /** Plusieurs fois appelé, jamais joint. */
  | 'INJOIGNABLE_APRES_RELANCES'
  /** Ne souhaite pas être rappelé. */
  | 'NE_SOUHAITE_PAS_ETRE_RECONTACTE'
  /** Refuse l'accompagnement. */
  | 'NE_VEUT_PAS_ACCOMPAGNEMENT'
  /** Le jeune a un nouveau contrat. */
  | 'NOUVEAU_CONTRAT'
  /** Le jeune a un autre projet. */
  | 'NOUVEAU_PROJET'
  /** Rendez-vous pris. */
  | 'RDV_PRIS'
  /** Change d'orientation, sans aide voulue. */
  | 'REORIENTATION';

/** Statut d'un apprenant à une date (machine à états publiée). */
export type StatutApprenant =
  /** Sans contrat au-delà de ces délais, ou exclu. */
  | 'ABANDON'
  /** Un contrat court. */
  | 'APPRENTI'
  /** La formation est arrivée à son terme. */
  | 'FIN_DE_FORMATION'
  /** En formation sans contrat encore, depuis moins de 90 jours. */
  | 'INSCRIT'
  /** Contrat rompu depuis moins de 180 jours, sans nouveau contrat. */
  | 'RUPTURANT';

/** Ordre des ruptures. */
export type TriRuptures =
  /** Le plus jeune d'abord. */
  | 'AGE_ASC'
  /** Le plus âgé d'abord. */
  | 'AGE_DESC'
  /** La plus ancienne d'abord. */
  | 'DATE_ASC'
  /** La plus récente d'abord. */
  | 'DATE_DESC'
  /** Le dernier modifié à la fin ; ce dont on ne sait pas quand compte comme tel. */
  | 'MODIFIE_ASC'
  /** Le dernier modifié d'abord ; ce dont on ne sait pas quand compte comme tel. */
  | 'MODIFIE_DESC'
  /** Par nom, puis prénom. */
  | 'NOM_ASC'
  /** Par nom, puis prénom, de Z à A. */
  | 'NOM_DESC'
  /** Les prioritaires d'abord, puis la plus récente. */
  | 'PRIORITE'
  /** La première signalée d'abord. */
  | 'SIGNALEE_ASC'
  /** La dernière signalée d'abord. */
  | 'SIGNALEE_DESC';

/** Ce qu'un événement annonce. */
export type TypeEvenement =
  /** Le CFA demande un accompagnement conjoint. */
  | 'ACCOMPAGNEMENT_DEMANDE'
  /** La Mission locale a répondu à cette demande. */
  | 'ACCOMPAGNEMENT_REPONDU'
  /** Il lui reste 30 jours, ou 7, pour en trouver un. */
  | 'ECHEANCE_SANS_CONTRAT'
  /** Le partenaire n'a pas pu recevoir ce que j'ai écrit. */
  | 'ECRITURE_EN_ECHEC'
  /** Le partenaire refuse ce que j'ai écrit. */
  | 'ECRITURE_REFUSEE'
  /** Ce que j'ai écrit est chez le partenaire. */
  | 'ECRITURE_TRANSMISE'
  /** Des événements n'ont pas été envoyés : recharger la liste. */
  | 'LACUNE'
  /** Un contrat que mon périmètre ne connaissait pas. */
  | 'NOUVEAU_CONTRAT'
  /** Une rupture annoncée que ses sources ne disent plus. */
  | 'RUPTURE_ANNULEE'
  /** Une rupture que mon périmètre ne connaissait pas. */
  | 'RUPTURE_NOUVELLE'
  /** Un jeune se forme et n'a jamais eu de contrat. */
  | 'SANS_CONTRAT_NOUVEAU'
  /** Une source entendue pour la première fois, ou après longtemps : rien n'est annoncé un à un. */
  | 'SOURCE_AJOUTEE'
  /** La Mission locale a noté une situation. */
  | 'SUIVI_MODIFIE';

export type MoiQueryVariables = Exact<{ [key: string]: never; }>;


export type MoiQuery = { moi: { profil: Profil, organisation: string | null, finalites: Array<Finalite> } };

export type RupturesQueryVariables = Exact<{
  filtre?: FiltreRuptures | null | undefined;
  tri: TriRuptures;
  after?: string | null | undefined;
}>;


export type RupturesQuery = { ruptures: { totalCount: number, complet: boolean, pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ id: string, date: string | null, joursDepuis: number | null, etat: EtatTraitement | null, prioritaire: boolean | null, motifsPriorite: Array<MotifPriorite> | null, sources: Array<string> | null, jeune: { id: string, nom: string | null, prenom: string | null, age: number | null, commune: { nom: string } | null } | null, contrat: { cfa: { nom: string | null } | null } | null }> } | null };

export type RuptureDeListeFragment = { id: string, date: string | null, joursDepuis: number | null, etat: EtatTraitement | null, prioritaire: boolean | null, motifsPriorite: Array<MotifPriorite> | null, sources: Array<string> | null, jeune: { id: string, nom: string | null, prenom: string | null, age: number | null, commune: { nom: string } | null } | null, contrat: { cfa: { nom: string | null } | null } | null };

export type FicheQueryVariables = Exact<{
  id: string | number;
}>;


export type FicheQuery = { rupture: { cause: string | null, signaleeLe: string | null, id: string, date: string | null, joursDepuis: number | null, etat: EtatTraitement | null, prioritaire: boolean | null, motifsPriorite: Array<MotifPriorite> | null, sources: Array<string> | null, contrat: { dateDebut: string | null, dateFin: string | null, employeur: { denomination: string | null } | null, formation: { intitule: string | null } | null, cfa: { nom: string | null } | null } | null, jeune: { dateNaissance: string | null, mineur: boolean | null, telephone: string | null, courriel: string | null, ine: string | null, id: string, nom: string | null, prenom: string | null, age: number | null, suivi: { situation: SituationSuivi | null, situationAutre: string | null, date: string | null, conseiller: string | null, commentaire: string | null, version: string | null, ecriture: EtatEcriture | null } | null, collaboration: { demandeeLe: string | null, motifs: Array<MotifAccompagnement> | null, referent: string | null } | null, commune: { nom: string } | null } | null } | null };

export type SuiviDeFicheFragment = { situation: SituationSuivi | null, situationAutre: string | null, date: string | null, conseiller: string | null, commentaire: string | null, version: string | null, ecriture: EtatEcriture | null };

export type ArriveesSubscriptionVariables = Exact<{
  filtre?: FiltreRuptures | null | undefined;
  depuis?: string | number | null | undefined;
}>;


export type ArriveesSubscription = { ruptures: { id: string, type: TypeEvenement, nombre: number | null, rupture: { id: string, date: string | null, joursDepuis: number | null, etat: EtatTraitement | null, prioritaire: boolean | null, motifsPriorite: Array<MotifPriorite> | null, sources: Array<string> | null, jeune: { id: string, nom: string | null, prenom: string | null, age: number | null, commune: { nom: string } | null } | null, contrat: { cfa: { nom: string | null } | null } | null } | null } | null };

export type NoterSuiviMutationVariables = Exact<{
  saisie: SaisieSuivi;
}>;


export type NoterSuiviMutation = { noterSuivi: { ecriture: { etat: EtatEcriture, rejouee: boolean } | null, jeune: { suivi: { situation: SituationSuivi | null, situationAutre: string | null, date: string | null, conseiller: string | null, commentaire: string | null, version: string | null, ecriture: EtatEcriture | null } | null, ruptures: Array<{ id: string, etat: EtatTraitement | null, prioritaire: boolean | null, motifsPriorite: Array<MotifPriorite> | null }> | null } | null, erreurs: Array<{ code: CodeErreurEcriture, champ: string | null, message: string }> } };

export const RuptureDeListeFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RuptureDeListe"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Rupture"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"joursDepuis"}},{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"prioritaire"}},{"kind":"Field","name":{"kind":"Name","value":"motifsPriorite"}},{"kind":"Field","name":{"kind":"Name","value":"sources"}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"nom"}},{"kind":"Field","name":{"kind":"Name","value":"prenom"}},{"kind":"Field","name":{"kind":"Name","value":"age"}},{"kind":"Field","name":{"kind":"Name","value":"commune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"contrat"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cfa"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}}]}}]} as unknown as DocumentNode<RuptureDeListeFragment, unknown>;
export const SuiviDeFicheFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SuiviDeFiche"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Suivi"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"situation"}},{"kind":"Field","name":{"kind":"Name","value":"situationAutre"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"conseiller"}},{"kind":"Field","name":{"kind":"Name","value":"commentaire"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"ecriture"}}]}}]} as unknown as DocumentNode<SuiviDeFicheFragment, unknown>;
export const MoiDocument = {"__meta__":{"hash":"sha256:661e9e4e10e19033fcd331fa1fb396d160efcb9eab00ea28c508d16ca6539c44"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Moi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"moi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"profil"}},{"kind":"Field","name":{"kind":"Name","value":"organisation"}},{"kind":"Field","name":{"kind":"Name","value":"finalites"}}]}}]}}]} as unknown as DocumentNode<MoiQuery, MoiQueryVariables>;
export const RupturesDocument = {"__meta__":{"hash":"sha256:dc1a6182a46a299e6ee864f9aa8a3590f22a5cfae9f23d66e0bbebcd73e055c5"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Ruptures"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filtre"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"FiltreRuptures"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"tri"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TriRuptures"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"ruptures"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filtre"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filtre"}}},{"kind":"Argument","name":{"kind":"Name","value":"tri"},"value":{"kind":"Variable","name":{"kind":"Name","value":"tri"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"20"}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"complet"}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RuptureDeListe"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RuptureDeListe"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Rupture"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"joursDepuis"}},{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"prioritaire"}},{"kind":"Field","name":{"kind":"Name","value":"motifsPriorite"}},{"kind":"Field","name":{"kind":"Name","value":"sources"}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"nom"}},{"kind":"Field","name":{"kind":"Name","value":"prenom"}},{"kind":"Field","name":{"kind":"Name","value":"age"}},{"kind":"Field","name":{"kind":"Name","value":"commune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"contrat"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cfa"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}}]}}]} as unknown as DocumentNode<RupturesQuery, RupturesQueryVariables>;
export const FicheDocument = {"__meta__":{"hash":"sha256:64f64c7081b905970276997d0fb6d82ef3f49605df71acf8532cdc5463cc992a"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Fiche"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"rupture"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RuptureDeListe"}},{"kind":"Field","name":{"kind":"Name","value":"cause"}},{"kind":"Field","name":{"kind":"Name","value":"signaleeLe"}},{"kind":"Field","name":{"kind":"Name","value":"contrat"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"dateDebut"}},{"kind":"Field","name":{"kind":"Name","value":"dateFin"}},{"kind":"Field","name":{"kind":"Name","value":"employeur"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"denomination"}}]}},{"kind":"Field","name":{"kind":"Name","value":"formation"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"intitule"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"dateNaissance"}},{"kind":"Field","name":{"kind":"Name","value":"mineur"}},{"kind":"Field","name":{"kind":"Name","value":"telephone"}},{"kind":"Field","name":{"kind":"Name","value":"courriel"}},{"kind":"Field","name":{"kind":"Name","value":"ine"}},{"kind":"Field","name":{"kind":"Name","value":"suivi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"SuiviDeFiche"}}]}},{"kind":"Field","name":{"kind":"Name","value":"collaboration"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"demandeeLe"}},{"kind":"Field","name":{"kind":"Name","value":"motifs"}},{"kind":"Field","name":{"kind":"Name","value":"referent"}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RuptureDeListe"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Rupture"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"joursDepuis"}},{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"prioritaire"}},{"kind":"Field","name":{"kind":"Name","value":"motifsPriorite"}},{"kind":"Field","name":{"kind":"Name","value":"sources"}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"nom"}},{"kind":"Field","name":{"kind":"Name","value":"prenom"}},{"kind":"Field","name":{"kind":"Name","value":"age"}},{"kind":"Field","name":{"kind":"Name","value":"commune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"contrat"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cfa"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SuiviDeFiche"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Suivi"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"situation"}},{"kind":"Field","name":{"kind":"Name","value":"situationAutre"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"conseiller"}},{"kind":"Field","name":{"kind":"Name","value":"commentaire"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"ecriture"}}]}}]} as unknown as DocumentNode<FicheQuery, FicheQueryVariables>;
export const ArriveesDocument = {"__meta__":{"hash":"sha256:36c89105d1c4107c17924cc51f7030aad17d83a441231beed86ca4aa05b5de94"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"Arrivees"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filtre"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"FiltreRuptures"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"depuis"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"ruptures"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filtre"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filtre"}}},{"kind":"Argument","name":{"kind":"Name","value":"depuis"},"value":{"kind":"Variable","name":{"kind":"Name","value":"depuis"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"nombre"}},{"kind":"Field","name":{"kind":"Name","value":"rupture"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RuptureDeListe"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RuptureDeListe"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Rupture"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"joursDepuis"}},{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"prioritaire"}},{"kind":"Field","name":{"kind":"Name","value":"motifsPriorite"}},{"kind":"Field","name":{"kind":"Name","value":"sources"}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"nom"}},{"kind":"Field","name":{"kind":"Name","value":"prenom"}},{"kind":"Field","name":{"kind":"Name","value":"age"}},{"kind":"Field","name":{"kind":"Name","value":"commune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"contrat"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cfa"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nom"}}]}}]}}]}}]} as unknown as DocumentNode<ArriveesSubscription, ArriveesSubscriptionVariables>;
export const NoterSuiviDocument = {"__meta__":{"hash":"sha256:11fd019e5d698717b9ccf6ce6d8ccb54ab89a645b8df317dcb45e4ad1f208a7d"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"NoterSuivi"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"saisie"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"SaisieSuivi"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"noterSuivi"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"saisie"},"value":{"kind":"Variable","name":{"kind":"Name","value":"saisie"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"ecriture"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"rejouee"}}]}},{"kind":"Field","name":{"kind":"Name","value":"jeune"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"suivi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"SuiviDeFiche"}}]}},{"kind":"Field","name":{"kind":"Name","value":"ruptures"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"etat"}},{"kind":"Field","name":{"kind":"Name","value":"prioritaire"}},{"kind":"Field","name":{"kind":"Name","value":"motifsPriorite"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"erreurs"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"champ"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"SuiviDeFiche"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Suivi"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"situation"}},{"kind":"Field","name":{"kind":"Name","value":"situationAutre"}},{"kind":"Field","name":{"kind":"Name","value":"date"}},{"kind":"Field","name":{"kind":"Name","value":"conseiller"}},{"kind":"Field","name":{"kind":"Name","value":"commentaire"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"ecriture"}}]}}]} as unknown as DocumentNode<NoterSuiviMutation, NoterSuiviMutationVariables>;