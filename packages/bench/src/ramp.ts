const TICK_MS = 5;

/** How connections are started. */
export interface RampOptions {
  /** Connections to start in all. */
  readonly total: number;
  /** The most that may be there at a time. */
  readonly atOnce: number;
  /** Starts per second. */
  readonly ratePerSecond: number;
  /** Starts connection `index` (0-based). */
  launch(index: number): void;
}

/** Starts connections at a steady rate, so many at a time. */
export class Ramp {
  readonly #options: RampOptions;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #launched = 0;
  #open = 0;

  constructor(options: RampOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  /** Tells that a connection is gone, so that another may take its place. */
  release(): void {
    this.#open--;
  }

  /** Starts no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { total, atOnce, ratePerSecond } = this.#options;
    const due = Math.min(
      total,
      Math.floor(((performance.now() - this.#startedAt) * ratePerSecond) / 1000) + 1,
    );
    while (this.#launched < due && this.#open < atOnce) {
      this.#open++;
      this.#options.launch(this.#launched++);
    }
    if (this.#launched >= total) this.stop();
  }
}
