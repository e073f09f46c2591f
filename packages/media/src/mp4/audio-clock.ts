/** What an {@link Mp4AudioClock} may be told. */
export interface Mp4AudioClockOptions {
  /** How far the sender's time may be off the grid before the grid is laid anew, in ms. Default 20. */
  readonly tolerance?: number;
}

const DEFAULT_TOLERANCE_MS = 20;

/**
 * Puts audio frames whose times are rounded to milliseconds, as FLV and RTMP send them, back on the even grid that
 * the encoder had: 23, 23, 24 ms become 1024 samples each. Players then hear no gaps of a fraction of a millisecond,
 * and the tables of a file get small.
 */
export class Mp4AudioClock {
  readonly #sampleRate: number;
  readonly #tolerance: number;
  #next: number | undefined;

  /** @param sampleRate Hz; also the ticks a second of what comes out. */
  constructor(sampleRate: number, options: Mp4AudioClockOptions = {}) {
    this.#sampleRate = sampleRate;
    this.#tolerance = ((options.tolerance ?? DEFAULT_TOLERANCE_MS) * sampleRate) / 1000;
  }

  /**
   * The time of a frame, in ticks.
   *
   * @param timestamp The sender's time, ms.
   * @param frameSamples How many samples of each channel it holds: 1024 for AAC, 1152 for MP3.
   */
  ticks(timestamp: number, frameSamples: number): number {
    const wanted = Math.round((timestamp * this.#sampleRate) / 1000);
    const onGrid = this.#next !== undefined && Math.abs(wanted - this.#next) <= this.#tolerance;
    const ticks = onGrid && this.#next !== undefined ? this.#next : wanted;
    this.#next = ticks + frameSamples;
    return ticks;
  }
}
