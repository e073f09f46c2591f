/** Upper bounds of the buckets, ms; a flush to a full group of 250 players takes some 3 ms. */
export const FLUSH_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 25, 50, 100, 250, 1000] as const;

/** How long flushes take: for how long each keeps the event loop. Plain counts, which only grow. */
export class FlushTimes {
  /** By bucket, not cumulative; the last one is of those above every bound. */
  readonly #counts: number[] = new Array<number>(FLUSH_BOUNDS_MS.length + 1).fill(0);
  /** The counts at the last roll, and at that before. */
  #rolled: readonly number[] = [];
  #rolledBefore: readonly number[] = [];
  #count = 0;
  #sumMs = 0;

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** All of them together, ms. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** How many there were of each bucket of {@link FLUSH_BOUNDS_MS}, and of those above, not cumulative. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  record(ms: number): void {
    let bucket = 0;
    while (bucket < FLUSH_BOUNDS_MS.length && ms > (FLUSH_BOUNDS_MS[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += ms;
  }

  /** Say it every few minutes: {@link quantile} is over what came since the last but one. */
  roll(): void {
    this.#rolledBefore = this.#rolled;
    this.#rolled = [...this.#counts];
  }

  /**
   * The time, ms, that a share of the latest flushes stays below, as exactly as the buckets tell.
   *
   * @param share - 0 to 1: 0.99 for the 99th percentile
   * @returns undefined when there was no flush lately
   */
  quantile(share: number): number | undefined {
    const counts = this.#counts.map((count, bucket) => count - (this.#rolledBefore[bucket] ?? 0));
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total === 0) return undefined;
    let rank = share * total;
    let lower = 0;
    for (const [bucket, upper] of FLUSH_BOUNDS_MS.entries()) {
      const count = counts[bucket] ?? 0;
      if (count > 0 && rank <= count) return lower + (upper - lower) * (rank / count);
      rank -= count;
      lower = upper;
    }
    return lower;
  }
}
