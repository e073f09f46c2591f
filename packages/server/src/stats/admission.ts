/** Counts connections against `max_connections`, for all doors together. */
export class Admission {
  readonly #limit: () => number;
  #open = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get open(): number {
    return this.#open;
  }

  /** Takes a place; false when there is none. Each true is given back by one {@link release}. */
  admit(): boolean {
    if (this.#open >= this.#limit()) return false;
    this.#open += 1;
    return true;
  }

  release(): void {
    this.#open -= 1;
  }
}
