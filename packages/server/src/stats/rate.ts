/** How often {@link Rate.sample} is to be called, ms: three samples span the 30 s of the short rates. */
export const SAMPLE_INTERVAL_MS = 10_000;
/** Each tenth sample is one of the long rates: three of them span 5 minutes. */
export const SAMPLES_PER_LONG_SAMPLE = 10;

/** What is counted of whatever has rates; it never gets less. */
export interface RateCounts {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Frames of video. */
  readonly videoFrames: number;
}

/** How much of something moves at present. */
export interface Rates {
  /** kbit/s over the last 30 seconds, or since the beginning if that is later; `sent30s`, too. */
  readonly received30s: number;
  readonly sent30s: number;
  /** kbit/s over the last 5 minutes, or since the beginning if that is later; `sent5m`, too. */
  readonly received5m: number;
  readonly sent5m: number;
  /** Frames of video a second over the last 30 seconds. */
  readonly fps: number;
}

/** Nothing moves. */
export const NO_RATES: Rates = { received30s: 0, sent30s: 0, received5m: 0, sent5m: 0, fps: 0 };

/** Adds up rates of several. */
export function addRates(one: Rates, other: Rates): Rates {
  return {
    received30s: one.received30s + other.received30s,
    sent30s: one.sent30s + other.sent30s,
    received5m: one.received5m + other.received5m,
    sent5m: one.sent5m + other.sent5m,
    fps: one.fps + other.fps,
  };
}

/** The last three samples of one spacing, the oldest first: what came since the oldest is over two to three of them. */
class Window {
  #at1: number;
  #in1: number;
  #out1: number;
  #frames1: number;
  #at2: number;
  #in2: number;
  #out2: number;
  #frames2: number;
  #at3: number;
  #in3: number;
  #out3: number;
  #frames3: number;

  /** As if three samples had been taken at the beginning. */
  constructor(at: number, { bytesIn, bytesOut, videoFrames }: RateCounts) {
    this.#at1 = this.#at2 = this.#at3 = at;
    this.#in1 = this.#in2 = this.#in3 = bytesIn;
    this.#out1 = this.#out2 = this.#out3 = bytesOut;
    this.#frames1 = this.#frames2 = this.#frames3 = videoFrames;
  }

  sample(at: number, { bytesIn, bytesOut, videoFrames }: RateCounts): void {
    this.#at1 = this.#at2;
    this.#in1 = this.#in2;
    this.#out1 = this.#out2;
    this.#frames1 = this.#frames2;
    this.#at2 = this.#at3;
    this.#in2 = this.#in3;
    this.#out2 = this.#out3;
    this.#frames2 = this.#frames3;
    this.#at3 = at;
    this.#in3 = bytesIn;
    this.#out3 = bytesOut;
    this.#frames3 = videoFrames;
  }

  read(at: number, counts: RateCounts): { received: number; sent: number; fps: number } {
    const elapsed = Math.max(1, at - this.#at1);
    // Bits per millisecond are kilobits per second.
    return {
      received: Math.max(0, Math.round(((counts.bytesIn - this.#in1) * 8) / elapsed)),
      sent: Math.max(0, Math.round(((counts.bytesOut - this.#out1) * 8) / elapsed)),
      fps: Math.max(0, Math.round(((counts.videoFrames - this.#frames1) * 100_000) / elapsed) / 100),
    };
  }
}

/** Rates from counts that are looked at now and then. There is one for each connection, so it is made to be small. */
export class Rate {
  readonly #short: Window;
  readonly #long: Window;

  /** What was counted before doesn't count. */
  constructor(counts: RateCounts) {
    const at = now();
    this.#short = new Window(at, counts);
    this.#long = new Window(at, counts);
  }

  /** @param long - it is a tenth one, see {@link SAMPLES_PER_LONG_SAMPLE} */
  sample(counts: RateCounts, long: boolean): void {
    const at = now();
    this.#short.sample(at, counts);
    if (long) this.#long.sample(at, counts);
  }

  read(counts: RateCounts): Rates {
    const at = now();
    const short = this.#short.read(at, counts);
    const long = this.#long.read(at, counts);
    return {
      received30s: short.received,
      sent30s: short.sent,
      received5m: long.received,
      sent5m: long.sent,
      fps: short.fps,
    };
  }
}

/** Whole ms since the process began, whatever the system's clock is set to: small integers cost no memory of their own. */
function now(): number {
  return Math.round(performance.now());
}
