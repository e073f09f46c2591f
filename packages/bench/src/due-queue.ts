/** A binary heap of numbered items by the time at which they are due. Each item is in it at most once. */
export class DueQueue {
  readonly #times: Float64Array;
  readonly #items: Int32Array;
  #size = 0;

  /** @param capacity the most items */
  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#items = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** When the first item is due; Infinity when there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Infinity : (this.#times[0] ?? Infinity);
  }

  /** The first item; -1 when there is none. */
  get nextItem(): number {
    return this.#size === 0 ? -1 : (this.#items[0] ?? -1);
  }

  /**
   * Adds an item.
   * @throws RangeError when the queue is full
   */
  push(time: number, item: number): void {
    if (this.#size === this.#times.length)
      throw new RangeError(`the queue holds its ${this.#size} items already`);
    this.#siftUp(this.#size++, time, item);
  }

  /** Gives the first item a new time. */
  reschedule(time: number): void {
    if (this.#size > 0) this.#siftDown(time, this.nextItem);
  }

  /** Takes the first item out. */
  pop(): void {
    if (this.#size === 0) return;
    this.#size--;
    if (this.#size > 0) this.#siftDown(this.#times[this.#size] ?? 0, this.#items[this.#size] ?? 0);
  }

  #siftUp(start: number, time: number, item: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentTime = this.#times[parent] ?? 0;
      if (parentTime <= time) break;
      this.#times[at] = parentTime;
      this.#items[at] = this.#items[parent] ?? 0;
      at = parent;
    }
    this.#times[at] = time;
    this.#items[at] = item;
  }

  #siftDown(time: number, item: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && (this.#times[child + 1] ?? 0) < (this.#times[child] ?? 0)) child++;
      const childTime = this.#times[child] ?? 0;
      if (childTime >= time) break;
      this.#times[at] = childTime;
      this.#items[at] = this.#items[child] ?? 0;
      at = child;
    }
    this.#times[at] = time;
    this.#items[at] = item;
  }
}
