/** The segments that were asked for last, and those that are being made: viewers of one segment share it. */
export class SegmentCache {
  readonly #maxBytes: number;
  /** The one used last stands last. */
  readonly #kept = new Map<string, Uint8Array>();
  readonly #pending = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  /** @param maxBytes of all that is kept */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The segment of a key; it is made when there is none. */
  async get(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const making = make();
    this.#pending.set(key, making);
    try {
      const segment = await making;
      this.#keep(key, segment);
      return segment;
    } finally {
      this.#pending.delete(key);
    }
  }

  #keep(key: string, segment: Uint8Array): void {
    if (segment.length > this.#maxBytes) return;
    this.#kept.set(key, segment);
    this.#bytes += segment.length;
    for (const [oldest, bytes] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}
