/** Times count from the start of the process: small integers cost no memory of their own. */
const start = Math.floor(performance.timeOrigin);

/**
 * Bit rates over the last 30 seconds, from the byte counts of the last three samples. There is one for each
 * connection, so it is made to be small.
 */
export class Rate {
  #at1 = 0;
  #in1 = 0;
  #out1 = 0;
  #at2 = 0;
  #in2 = 0;
  #out2 = 0;
  #at3 = 0;
  #in3 = 0;
  #out3 = 0;

  /**
   * Call it every 10 s.
   *
   * @param at - ms since the epoch
   */
  sample(at: number, bytesIn: number, bytesOut: number): void {
    this.#at1 = this.#at2;
    this.#in1 = this.#in2;
    this.#out1 = this.#out2;
    this.#at2 = this.#at3;
    this.#in2 = this.#in3;
    this.#out2 = this.#out3;
    this.#at3 = at - start;
    this.#in3 = bytesIn;
    this.#out3 = bytesOut;
  }

  /**
   * kbit/s since the oldest sample kept, or since the start.
   *
   * @param startedAt - ms since the epoch, when the counts were 0
   */
  kbps(startedAt: number, bytesIn: number, bytesOut: number): { received30s: number; sent30s: number } {
    const oldest = this.#oldest();
    const from = oldest === undefined ? startedAt : start + oldest.at;
    // Bits per millisecond are kilobits per second.
    const elapsed = Math.max(1, Date.now() - from);
    const received = bytesIn - (oldest?.bytesIn ?? 0);
    const sent = bytesOut - (oldest?.bytesOut ?? 0);
    return {
      received30s: Math.max(0, Math.round((received * 8) / elapsed)),
      sent30s: Math.max(0, Math.round((sent * 8) / elapsed)),
    };
  }

  #oldest(): { at: number; bytesIn: number; bytesOut: number } | undefined {
    if (this.#at1 > 0) return { at: this.#at1, bytesIn: this.#in1, bytesOut: this.#out1 };
    if (this.#at2 > 0) return { at: this.#at2, bytesIn: this.#in2, bytesOut: this.#out2 };
    if (this.#at3 > 0) return { at: this.#at3, bytesIn: this.#in3, bytesOut: this.#out3 };
    return undefined;
  }
}
