/** Something that is told, or fetched, in its turn. */
export interface OrderedStep {
  /** Does it; calls `done` once the next one may follow. May call it at once. */
  readonly run: (done: () => void) => void;
  /** The next one follows after this time in any case, ms. */
  readonly limitMs: number;
}

/**
 * Keeps the order of what is told of one stream or one client, whatever URLs it goes to: a step begins when the one
 * before it has been tried once. Nothing waits for a server that is down, or longer than a step's limit, so a lane
 * never stands still; lanes go side by side. The caller bounds how many wait.
 */
export class LaneOrder {
  /** Steps that wait, by lane; a lane is there while a step is under way. */
  readonly #lanes = new Map<string, OrderedStep[]>();
  #waiting = 0;
  #closed = false;

  /** Steps that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  add(lane: string, step: OrderedStep): void {
    const waiting = this.#lanes.get(lane);
    if (waiting !== undefined && !this.#closed) {
      waiting.push(step);
      this.#waiting += 1;
      return;
    }
    if (this.#closed) {
      step.run(() => undefined);
      return;
    }
    this.#lanes.set(lane, []);
    this.#goOn(lane, step);
  }

  /** Begins everything that waits, in its order, and from now on each step at once. */
  close(): void {
    this.#closed = true;
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const step of lanes.flat()) {
      // Before it runs: it must not count twice where it goes.
      this.#waiting -= 1;
      step.run(() => undefined);
    }
  }

  /** Begins steps until one is under way, or none is left. A loop, as any number may be done at once. */
  #goOn(lane: string, first: OrderedStep | undefined): void {
    let step = first;
    while (step !== undefined && !this.#closed) {
      if (this.#begin(lane, step)) return;
      step = this.#take(lane);
    }
  }

  /** @returns whether the step is still under way */
  #begin(lane: string, step: OrderedStep): boolean {
    const state = { isDone: false, hasReturned: false };
    const done = (): void => {
      if (state.isDone) return;
      state.isDone = true;
      clearTimeout(timer);
      if (state.hasReturned) this.#goOn(lane, this.#take(lane));
    };
    const timer = setTimeout(done, step.limitMs);
    timer.unref();
    step.run(done);
    state.hasReturned = true;
    return !state.isDone;
  }

  /** The next step of a lane; a lane without one is forgotten. */
  #take(lane: string): OrderedStep | undefined {
    const step = this.#lanes.get(lane)?.shift();
    if (step === undefined) this.#lanes.delete(lane);
    else this.#waiting -= 1;
    return step;
  }
}
