import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { graphql } from '../build/gql/gql.js';

export const Ruptures = graphql(`
  query CodegenRuptures($first: Int!, $after: String) {
    ruptures(first: $first, after: $after) {
      totalCount
      complet
      pageInfo { hasNextPage endCursor }
      edges { node { id date jeune { id nom } } }
    }
  }
`);

export const Refuse = graphql(`
  query CodegenRefuse {
    jeunes(first: 3) { edges { node { id nom ine } } }
  }
`);

export type Erreur = { message: string; path?: (string | number)[]; extensions: { code: string; source?: string } };
export type Reponse<Data> = { data?: Data | null; errors?: Erreur[] };

/** Envoie l'empreinte du document, jamais son texte. */
export async function execute<Data, Variables>(
  url: string, token: string, document: TypedDocumentNode<Data, Variables>, variables: Variables,
): Promise<Reponse<Data>> {
  const { hash } = (document as unknown as { __meta__: { hash: string } }).__meta__;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ documentId: hash, variables }),
  });
  return response.json() as Promise<Reponse<Data>>;
}
