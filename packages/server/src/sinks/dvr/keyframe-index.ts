/** Where the keyframes of a file are. */
export interface KeyframeEntry {
  /** Timestamp of the keyframe in the file, ms. */
  readonly timestamp: number;
  /** Offset of its tag in the file, bytes. */
  readonly position: number;
}

/**
 * The keyframes of a file, in room for so many and no more: when it is full every second one is dropped, and
 * from then on every second (fourth …) keyframe is noted. So the index of a recording of any length fits the
 * room that was reserved for it at the file's head.
 */
export class KeyframeIndex {
  readonly capacity: number;
  #entries: KeyframeEntry[] = [];
  #stride = 1;
  #skipped = 0;

  /** @param capacity - most entries; at least 2, or 0 for none */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The entries, in the order of the file. */
  get entries(): readonly KeyframeEntry[] {
    return this.#entries;
  }

  /** An empty index with the same room. */
  emptied(): KeyframeIndex {
    return new KeyframeIndex(this.capacity);
  }

  /** Notes a keyframe; they come in the order of the file. */
  add(timestamp: number, position: number): void {
    if (this.capacity < 2) return;
    if (this.#skipped < this.#stride - 1 && this.#entries.length > 0) {
      this.#skipped += 1;
      return;
    }
    this.#skipped = 0;
    // An even number, so that what is kept stays evenly spaced.
    if (this.#entries.length >= this.capacity - (this.capacity % 2)) {
      this.#entries = this.#entries.filter((_entry, index) => index % 2 === 0);
      this.#stride *= 2;
    }
    this.#entries.push({ timestamp, position });
  }
}
