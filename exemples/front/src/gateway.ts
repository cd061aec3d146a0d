// How the gateway is asked: trusted documents by their hash, a token and a purpose as headers, no cache. An answer keeps all three of
// its parts, for one may be there without the others: the data, the errors, what the sources are worth.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type AnyVariables, Client, type CombinedError, fetchExchange, type OperationResult } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

export type GatewayError = {
  message: string;
  path?: ReadonlyArray<string | number>;
  extensions: { code?: string; source?: string };
};
export type Source = { nom: string; ageSecondes: number | null; cache: string; partiel: boolean };
/** A territory that is too large to be read by the deadline of an answer: so many of its establishments are. */
export type Preparation = { unites: number; sur: number };
/** `status` 0: no answer at all. `retryAfter`: seconds to wait, where the gateway says so. */
export type Answer<Data> = {
  data: Data | null;
  errors: GatewayError[];
  sources: Source[];
  preparation: Preparation | null;
  status: number;
  retryAfter: number | null;
};

export const PURPOSE = 'ACCOMPAGNEMENT';
export const headers = (token: string) => ({ authorization: `Bearer ${token}`, 'x-finalite': PURPOSE });

/** The hash that the build gave to a document: what the gateway knows it by. */
export const hashOf = (document: unknown) =>
  (document as { __meta__: { hash: string } }).__meta__.hash.replace('sha256:', '');

export function openClient(url: string, token: string): Client {
  const trusted = persistedExchange({
    enforcePersistedQueries: true,
    enableForMutation: true,
    preferGetForPersistedQueries: false, // a URL is written in logs on its way
    generateHash: async (_, document) => hashOf(document),
  });
  return new Client({
    url,
    exchanges: [trusted, fetchExchange],
    preferGetMethod: false,
    requestPolicy: 'network-only',
    fetchOptions: { headers: headers(token), credentials: 'omit' },
  });
}

export async function ask<Data, Variables extends AnyVariables>(
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  return read(await client.query(document, variables).toPromise());
}

export async function write<Data, Variables extends AnyVariables>(
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Answer<Data>> {
  return read(await client.mutation(document, variables).toPromise());
}

function read<Data, Variables extends AnyVariables>(result: OperationResult<Data, Variables>): Answer<Data> {
  const response = result.error?.response as Response | undefined;
  return {
    data: result.data ?? null,
    errors: errorsOf(result.error),
    sources: (result.extensions?.sources as Source[] | undefined) ?? [],
    preparation: (result.extensions?.preparation as Preparation | undefined) ?? null,
    status: result.data ? 200 : (response?.status ?? 0),
    retryAfter: retryAfterOf(response),
  };
}

const errorsOf = (error: CombinedError | undefined): GatewayError[] =>
  (error?.graphQLErrors ?? []).map(({ message, path, extensions }) => ({ message, path, extensions }));

export function retryAfterOf(response: Response | undefined): number | null {
  const told = Number(response?.headers.get('retry-after'));
  return told > 0 ? told : null;
}
