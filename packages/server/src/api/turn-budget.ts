/** How long the work of one budget may take in one turn of the event loop, ms. */
export const DEFAULT_TURN_MS = 4;

/**
 * Bounds what work that many requests ask for takes of one turn of the event loop, all of them together. Work comes in
 * short pieces; pieces that find the turn's time spent wait for the next turns, first come, first served.
 */
export class TurnBudget {
  readonly #turnMs: number;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #spentMs = 0;
  #isRunning = false;
  #isPlanned = false;

  /** @param now - default: the monotonic clock, ms */
  constructor(turnMs = DEFAULT_TURN_MS, now: () => number = () => performance.now()) {
    this.#turnMs = turnMs;
    this.#now = now;
  }

  /** Pieces that wait for a turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a piece of work would begin at once. */
  get isFree(): boolean {
    return !this.#isRunning && this.#waiting.size === 0 && this.#spentMs < this.#turnMs;
  }

  /** Runs a piece of work, of about a millisecond: now, or in one of the next turns. */
  run(piece: () => void): void {
    if (this.isFree) {
      this.#spend(piece);
      return;
    }
    this.#waiting.add(piece);
    this.#planNextTurn();
  }

  /** Forgets a piece of work that waits. */
  cancel(piece: () => void): void {
    this.#waiting.delete(piece);
  }

  #goOn(): void {
    this.#isPlanned = false;
    this.#spentMs = 0;
    for (const piece of this.#waiting) {
      if (this.#spentMs >= this.#turnMs) break;
      this.#waiting.delete(piece);
      this.#spend(piece);
    }
    if (this.#waiting.size > 0) this.#planNextTurn();
  }

  #planNextTurn(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#goOn();
    });
  }

  #spend(piece: () => void): void {
    const before = this.#now();
    this.#isRunning = true;
    try {
      piece();
    } finally {
      this.#isRunning = false;
      this.#spentMs += this.#now() - before;
      // A turn ends, whether or not anything waits for the next one.
      this.#planNextTurn();
    }
  }
}
