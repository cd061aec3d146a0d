/* eslint-disable */
import * as types from './graphql.js';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query Moi {\n  moi {\n    profil\n    organisation\n    finalites\n  }\n}\n\nquery Ruptures($filtre: FiltreRuptures, $tri: TriRuptures!, $after: String) {\n  ruptures(filtre: $filtre, tri: $tri, first: 20, after: $after) {\n    totalCount\n    complet\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      ...RuptureDeListe\n    }\n  }\n}\n\nfragment RuptureDeListe on Rupture {\n  id\n  date\n  joursDepuis\n  etat\n  prioritaire\n  motifsPriorite\n  sources\n  jeune {\n    id\n    nom\n    prenom\n    age\n    commune {\n      nom\n    }\n  }\n  contrat {\n    cfa {\n      nom\n    }\n  }\n}\n\nquery Fiche($id: ID!) {\n  rupture(id: $id) {\n    ...RuptureDeListe\n    cause\n    signaleeLe\n    contrat {\n      dateDebut\n      dateFin\n      employeur {\n        denomination\n      }\n      formation {\n        intitule\n      }\n    }\n    jeune {\n      dateNaissance\n      mineur\n      telephone\n      courriel\n      ine\n      suivi {\n        ...SuiviDeFiche\n      }\n      collaboration {\n        demandeeLe\n        motifs\n        referent\n      }\n    }\n  }\n}\n\nfragment SuiviDeFiche on Suivi {\n  situation\n  situationAutre\n  date\n  conseiller\n  commentaire\n  version\n  ecriture\n}\n\nsubscription Arrivees($filtre: FiltreRuptures, $depuis: ID) {\n  ruptures(filtre: $filtre, depuis: $depuis) {\n    id\n    type\n    nombre\n    rupture {\n      ...RuptureDeListe\n    }\n  }\n}\n\nmutation NoterSuivi($saisie: SaisieSuivi!) {\n  noterSuivi(saisie: $saisie) {\n    ecriture {\n      etat\n      rejouee\n    }\n    jeune {\n      suivi {\n        ...SuiviDeFiche\n      }\n      ruptures {\n        id\n        etat\n        prioritaire\n        motifsPriorite\n      }\n    }\n    erreurs {\n      code\n      champ\n      message\n    }\n  }\n}": typeof types.MoiDocument,
};
const documents: Documents = {
    "query Moi {\n  moi {\n    profil\n    organisation\n    finalites\n  }\n}\n\nquery Ruptures($filtre: FiltreRuptures, $tri: TriRuptures!, $after: String) {\n  ruptures(filtre: $filtre, tri: $tri, first: 20, after: $after) {\n    totalCount\n    complet\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      ...RuptureDeListe\n    }\n  }\n}\n\nfragment RuptureDeListe on Rupture {\n  id\n  date\n  joursDepuis\n  etat\n  prioritaire\n  motifsPriorite\n  sources\n  jeune {\n    id\n    nom\n    prenom\n    age\n    commune {\n      nom\n    }\n  }\n  contrat {\n    cfa {\n      nom\n    }\n  }\n}\n\nquery Fiche($id: ID!) {\n  rupture(id: $id) {\n    ...RuptureDeListe\n    cause\n    signaleeLe\n    contrat {\n      dateDebut\n      dateFin\n      employeur {\n        denomination\n      }\n      formation {\n        intitule\n      }\n    }\n    jeune {\n      dateNaissance\n      mineur\n      telephone\n      courriel\n      ine\n      suivi {\n        ...SuiviDeFiche\n      }\n      collaboration {\n        demandeeLe\n        motifs\n        referent\n      }\n    }\n  }\n}\n\nfragment SuiviDeFiche on Suivi {\n  situation\n  situationAutre\n  date\n  conseiller\n  commentaire\n  version\n  ecriture\n}\n\nsubscription Arrivees($filtre: FiltreRuptures, $depuis: ID) {\n  ruptures(filtre: $filtre, depuis: $depuis) {\n    id\n    type\n    nombre\n    rupture {\n      ...RuptureDeListe\n    }\n  }\n}\n\nmutation NoterSuivi($saisie: SaisieSuivi!) {\n  noterSuivi(saisie: $saisie) {\n    ecriture {\n      etat\n      rejouee\n    }\n    jeune {\n      suivi {\n        ...SuiviDeFiche\n      }\n      ruptures {\n        id\n        etat\n        prioritaire\n        motifsPriorite\n      }\n    }\n    erreurs {\n      code\n      champ\n      message\n    }\n  }\n}": types.MoiDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Moi {\n  moi {\n    profil\n    organisation\n    finalites\n  }\n}\n\nquery Ruptures($filtre: FiltreRuptures, $tri: TriRuptures!, $after: String) {\n  ruptures(filtre: $filtre, tri: $tri, first: 20, after: $after) {\n    totalCount\n    complet\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      ...RuptureDeListe\n    }\n  }\n}\n\nfragment RuptureDeListe on Rupture {\n  id\n  date\n  joursDepuis\n  etat\n  prioritaire\n  motifsPriorite\n  sources\n  jeune {\n    id\n    nom\n    prenom\n    age\n    commune {\n      nom\n    }\n  }\n  contrat {\n    cfa {\n      nom\n    }\n  }\n}\n\nquery Fiche($id: ID!) {\n  rupture(id: $id) {\n    ...RuptureDeListe\n    cause\n    signaleeLe\n    contrat {\n      dateDebut\n      dateFin\n      employeur {\n        denomination\n      }\n      formation {\n        intitule\n      }\n    }\n    jeune {\n      dateNaissance\n      mineur\n      telephone\n      courriel\n      ine\n      suivi {\n        ...SuiviDeFiche\n      }\n      collaboration {\n        demandeeLe\n        motifs\n        referent\n      }\n    }\n  }\n}\n\nfragment SuiviDeFiche on Suivi {\n  situation\n  situationAutre\n  date\n  conseiller\n  commentaire\n  version\n  ecriture\n}\n\nsubscription Arrivees($filtre: FiltreRuptures, $depuis: ID) {\n  ruptures(filtre: $filtre, depuis: $depuis) {\n    id\n    type\n    nombre\n    rupture {\n      ...RuptureDeListe\n    }\n  }\n}\n\nmutation NoterSuivi($saisie: SaisieSuivi!) {\n  noterSuivi(saisie: $saisie) {\n    ecriture {\n      etat\n      rejouee\n    }\n    jeune {\n      suivi {\n        ...SuiviDeFiche\n      }\n      ruptures {\n        id\n        etat\n        prioritaire\n        motifsPriorite\n      }\n    }\n    erreurs {\n      code\n      champ\n      message\n    }\n  }\n}"): (typeof documents)["query Moi {\n  moi {\n    profil\n    organisation\n    finalites\n  }\n}\n\nquery Ruptures($filtre: FiltreRuptures, $tri: TriRuptures!, $after: String) {\n  ruptures(filtre: $filtre, tri: $tri, first: 20, after: $after) {\n    totalCount\n    complet\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      ...RuptureDeListe\n    }\n  }\n}\n\nfragment RuptureDeListe on Rupture {\n  id\n  date\n  joursDepuis\n  etat\n  prioritaire\n  motifsPriorite\n  sources\n  jeune {\n    id\n    nom\n    prenom\n    age\n    commune {\n      nom\n    }\n  }\n  contrat {\n    cfa {\n      nom\n    }\n  }\n}\n\nquery Fiche($id: ID!) {\n  rupture(id: $id) {\n    ...RuptureDeListe\n    cause\n    signaleeLe\n    contrat {\n      dateDebut\n      dateFin\n      employeur {\n        denomination\n      }\n      formation {\n        intitule\n      }\n    }\n    jeune {\n      dateNaissance\n      mineur\n      telephone\n      courriel\n      ine\n      suivi {\n        ...SuiviDeFiche\n      }\n      collaboration {\n        demandeeLe\n        motifs\n        referent\n      }\n    }\n  }\n}\n\nfragment SuiviDeFiche on Suivi {\n  situation\n  situationAutre\n  date\n  conseiller\n  commentaire\n  version\n  ecriture\n}\n\nsubscription Arrivees($filtre: FiltreRuptures, $depuis: ID) {\n  ruptures(filtre: $filtre, depuis: $depuis) {\n    id\n    type\n    nombre\n    rupture {\n      ...RuptureDeListe\n    }\n  }\n}\n\nmutation NoterSuivi($saisie: SaisieSuivi!) {\n  noterSuivi(saisie: $saisie) {\n    ecriture {\n      etat\n      rejouee\n    }\n    jeune {\n      suivi {\n        ...SuiviDeFiche\n      }\n      ruptures {\n        id\n        etat\n        prioritaire\n        motifsPriorite\n      }\n    }\n    erreurs {\n      code\n      champ\n      message\n    }\n  }\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;