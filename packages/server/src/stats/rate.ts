/** Samples kept: with one each ten seconds, the oldest is 30 s old. */
const KEPT = 3;

/** Bit rates over the last 30 seconds from samples of byte counts. */
export class Rate {
  readonly #samples: { at: number; bytesIn: number; bytesOut: number }[] = [];

  /** @param at - ms since the epoch */
  sample(at: number, bytesIn: number, bytesOut: number): void {
    this.#samples.push({ at, bytesIn, bytesOut });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /**
   * kbit/s since the oldest sample kept, or since the start.
   *
   * @param startedAt - ms since the epoch, when the counts were 0
   */
  kbps(startedAt: number, bytesIn: number, bytesOut: number): { received30s: number; sent30s: number } {
    const from = this.#samples[0] ?? { at: startedAt, bytesIn: 0, bytesOut: 0 };
    // Bits per millisecond are kilobits per second.
    const elapsed = Math.max(1, Date.now() - from.at);
    return {
      received30s: Math.round(((bytesIn - from.bytesIn) * 8) / elapsed),
      sent30s: Math.round(((bytesOut - from.bytesOut) * 8) / elapsed),
    };
  }
}
