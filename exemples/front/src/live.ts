// Ruptures as they arrive: Server-Sent Events by a request with headers (EventSource has none), open as long as the list is shown. The
// place of the last event is given again at each opening: nothing is lost, and an event may come twice, with the same id.
import { createClient, NetworkError } from 'graphql-sse';
import { hashOf, headers, retryAfterOf } from './gateway.js';
import { ArriveesDocument, type ArriveesSubscription, type FiltreRuptures } from './graphe/graphql.js';

export type Arrival = NonNullable<ArriveesSubscription['ruptures']>;
/** `open`: the stream begins; `fresh`, from now on, so that what came before has to be read. `ended`: it will not come back. */
export type Heard = {
  open: (fresh: boolean) => void;
  arrival: (arrival: Arrival) => void;
  lost: (seconds: number) => void;
  ended: (reason: string) => void;
};
type Message = { data?: ArriveesSubscription | null; errors?: ReadonlyArray<{ message: string; extensions?: Record<string, unknown> }> };

const LONGEST = 30; // seconds between two attempts, where the gateway says nothing
const FINAL = new Set(['NON_AUTHENTIFIE', 'REQUETE_INVALIDE', 'CHAMP_REFUSE']);

export class Live {
  private place: string | null = null;
  private stopped = new AbortController();

  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly heard: Heard,
  ) {}

  /** Listens to what a filter keeps, in the place of what was listened to. */
  follow(filtre: FiltreRuptures): void {
    this.stop();
    this.stopped = new AbortController();
    void this.run(filtre, this.stopped.signal);
  }

  stop(): void {
    this.stopped.abort();
  }

  private async run(filtre: FiltreRuptures, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      let wait = 0;
      try {
        if (!(await this.listen(filtre, signal))) return;
        failures = 0; // it ended properly: the gateway restarts, come back at once
        wait = 1;
      } catch (error) {
        if (signal.aborted) return;
        const response = error instanceof NetworkError ? (error.response as Response | undefined) : undefined;
        if (response?.status === 401) return this.heard.ended('Votre accès a pris fin.');
        failures += 1;
        wait = retryAfterOf(response) ?? Math.min(LONGEST, 2 ** failures) * (0.5 + Math.random() / 2);
        this.heard.lost(Math.ceil(wait));
      }
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }

  /** One stream, to its end; whether to open another. */
  private async listen(filtre: FiltreRuptures, signal: AbortSignal): Promise<boolean> {
    const client = createClient({
      url: this.url,
      headers: () => headers(this.token),
      credentials: 'omit',
      retryAttempts: 0,
      fetchFn: async (address: string, asked: RequestInit) => {
        const response = await fetch(address, asked);
        if (response.ok && !signal.aborted) this.heard.open(this.place === null);
        return response;
      },
    });
    signal.addEventListener('abort', () => client.dispose(), { once: true });
    const extensions = { persistedQuery: { version: 1, sha256Hash: hashOf(ArriveesDocument) } };
    const asked = { query: undefined as unknown as string, extensions, variables: { filtre, depuis: this.place } };
    for await (const message of client.iterate(asked) as AsyncIterable<Message>) {
      if (signal.aborted) return false;
      const refused = message.errors?.find(({ extensions: told }) => FINAL.has(String(told?.code)));
      if (refused) {
        this.heard.ended(refused.message);
        return false;
      }
      const arrival = message.data?.ruptures;
      if (arrival) {
        this.place = arrival.id;
        this.heard.arrival(arrival);
      }
    }
    return true;
  }
}
