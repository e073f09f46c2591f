import type { ClientRequest } from '../security/index.ts';

/** What is told of a stream's publisher with a file of the stream. */
export interface PublisherFacts {
  readonly id: string;
  readonly ip: string;
  readonly param: string;
  readonly tcUrl: string;
}

interface Entry {
  readonly key: string;
  readonly facts: PublisherFacts;
  /** ms of the monotonic clock; undefined while it publishes. */
  endedAt: number | undefined;
}

/**
 * Remembers the last publisher of each stream, also for a while after it went: its recording and its last segment
 * are finished only then.
 */
export class Publishers {
  readonly #maxEntries: number;
  readonly #keepMs: number;
  readonly #byStream = new Map<string, Entry>();
  readonly #byClient = new Map<string, Entry>();
  /** Those that went, the first one first. */
  readonly #ended = new Set<Entry>();

  constructor(options: { readonly maxEntries: number; readonly keepMs: number }) {
    this.#maxEntries = options.maxEntries;
    this.#keepMs = options.keepMs;
  }

  /** Entries that are held. */
  get size(): number {
    return this.#byClient.size;
  }

  began(client: ClientRequest): void {
    const { id, ip, param, tcUrl } = client;
    this.#expire();
    this.ended(id);
    const entry: Entry = { key: streamKey(client), facts: { id, ip, param, tcUrl }, endedAt: undefined };
    this.#byStream.set(entry.key, entry);
    this.#byClient.set(id, entry);
  }

  ended(clientId: string): void {
    const entry = this.#byClient.get(clientId);
    if (entry === undefined || entry.endedAt !== undefined) return;
    entry.endedAt = performance.now();
    this.#ended.add(entry);
    this.#expire();
  }

  ofStream(key: string): PublisherFacts | undefined {
    return this.#byStream.get(key)?.facts;
  }

  /** The key of the stream that a client publishes, or has published last. */
  streamOf(clientId: string): string | undefined {
    return this.#byClient.get(clientId)?.key;
  }

  #expire(): void {
    const oldest = performance.now() - this.#keepMs;
    for (const entry of this.#ended) {
      if ((entry.endedAt ?? Infinity) > oldest && this.#ended.size <= this.#maxEntries) return;
      this.#ended.delete(entry);
      if (this.#byStream.get(entry.key) === entry) this.#byStream.delete(entry.key);
      if (this.#byClient.get(entry.facts.id) === entry) this.#byClient.delete(entry.facts.id);
    }
  }
}

/** One name for a stream of the server. */
export function streamKey(names: {
  readonly vhost: { readonly name: string };
  readonly app: string;
  readonly stream: string;
}): string {
  return `${names.vhost.name}/${names.app}/${names.stream}`;
}
