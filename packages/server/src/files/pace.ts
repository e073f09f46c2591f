/** A clock's tools, which tests replace. */
export interface Clock {
  /** ms that only grow. */
  now(): number;
  /** Fulfilled after `ms`, or at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};

/** How to keep pace; all have defaults. */
export interface PaceOptions {
  /** 2 is twice as fast as real time; Infinity does not wait at all. Default 1. */
  readonly speed?: number;
  /**
   * After a stall (of the process, or of whoever takes the frames) at most so much is made up for in a burst, ms
   * of the wall clock; the rest moves the clock. Default 1,000.
   */
  readonly maxLateMs?: number;
}

/** The default of {@link PaceOptions.maxLateMs}. */
export const DEFAULT_MAX_LATE_MS = 1_000;

/** Says when a frame is due. Every due time is counted from the start, so that no error adds up. */
export class Pace {
  readonly #now: () => number;
  readonly #speed: number;
  readonly #maxLateMs: number;
  #start: number | undefined;

  constructor(now: () => number, options: PaceOptions = {}) {
    this.#now = now;
    this.#speed = options.speed ?? 1;
    this.#maxLateMs = options.maxLateMs ?? DEFAULT_MAX_LATE_MS;
  }

  /** ms to wait for the frame of this time; 0 or less when it is due. The first frame is due at once. */
  wait(timestamp: number): number {
    const now = this.#now();
    this.#start ??= now - timestamp / this.#speed;
    const wait = this.#start + timestamp / this.#speed - now;
    if (wait >= -this.#maxLateMs) return wait;
    this.#start -= wait + this.#maxLateMs;
    return -this.#maxLateMs;
  }
}
