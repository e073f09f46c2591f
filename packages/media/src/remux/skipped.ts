/** Counts what could not be carried over, by the name of its codec. */
export class SkippedTags {
  readonly #counts = new Map<string, number>();

  /** How many tags of each codec. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  add(codec: string): void {
    this.#counts.set(codec, (this.#counts.get(codec) ?? 0) + 1);
  }
}
