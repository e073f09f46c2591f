/** The most that decoding times are put earlier, ms: about what a decoder can hold of pictures. */
export const TS_MAX_DECODE_LEAD_MS = 2_000;

/** One tick of 90 kHz, ms: the least step of a time. */
const TICK_MS = 1 / 90;

/**
 * The decoding times of a video whose composition times may be below zero, as encoders send them that count no delay
 * for pictures that are shown in another order than decoded. A transport stream has no picture that is shown before it
 * is decoded, so all decoding times are put earlier by the largest of these offsets that was seen. Presentation times
 * stay as they are. A larger offset than {@link TS_MAX_DECODE_LEAD_MS} changes nothing: that picture's times are written
 * as they are.
 */
export class TsDecodeClock {
  #leadMs = 0;
  #lastIn = -Infinity;
  #lastOut = -Infinity;

  /**
   * @param dts - decoding time as published, ms
   * @param pts - presentation time, ms
   * @returns the decoding time to write, ms: 0 or more, and behind that of the picture before as long as `dts` is
   */
  next(dts: number, pts: number): number {
    const early = dts - pts;
    if (early > this.#leadMs && early <= TS_MAX_DECODE_LEAD_MS) this.#leadMs = early;
    let output = dts > this.#leadMs ? dts - this.#leadMs : 0;
    // While the lead grows, times go on in the least steps until it is reached.
    if (this.#leadMs > 0 && dts > this.#lastIn && output <= this.#lastOut) {
      output = Math.min(this.#lastOut + TICK_MS, Math.max(dts, 0));
    }
    this.#lastIn = dts;
    this.#lastOut = output;
    return output;
  }
}
