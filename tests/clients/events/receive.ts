import { createClient } from 'graphql-sse';

export type Evenement = { id: string; type: string; jeune?: { id: string } | null };

const SOUSCRIPTION = 'subscription S($depuis: ID) { evenements(depuis: $depuis) { id type jeune { id } } }';

/** Donne chaque événement à `traiter`, et reprend à la place du dernier, tant que `signal` n'arrête pas. */
export async function recevoir(
  url: string, jeton: () => string, traiter: (evenement: Evenement) => void, signal: AbortSignal, place?: string,
): Promise<void> {
  const client = createClient({ url, headers: () => ({ Authorization: `Bearer ${jeton()}` }), retryAttempts: Infinity });
  const demande = { query: SOUSCRIPTION, variables: { depuis: place } };
  signal.addEventListener('abort', () => client.dispose());
  while (!signal.aborted) {
    for await (const { data, errors } of client.iterate<{ evenements: Evenement }>(demande)) {
      if (data?.evenements) {
        traiter(data.evenements);
        demande.variables.depuis = data.evenements.id; // relu à chaque reprise, coupure comprise
      } else if (errors?.[0]?.extensions?.code !== 'NON_AUTHENTIFIE') {
        throw new Error(errors?.[0]?.message);
      }
    }
    await new Promise((suite) => setTimeout(suite, 1000)); // `complete` : la passerelle redémarre, ou le jeton est fini
  }
}
