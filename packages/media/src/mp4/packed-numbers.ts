const FIRST_BLOCK_BYTES = 512;
const MAX_BLOCK_BYTES = 64 * 1024;

/**
 * A list of integers 0..2^53 - 1 that only grows, each in as many bytes as it needs: 1 below 2^7, 2 below 2^14, 3
 * below 2^21. Memory comes in blocks, so that growing copies nothing.
 */
export class PackedNumbers {
  readonly #blocks: Uint8Array[] = [];
  #block = new Uint8Array(0);
  #at = 0;
  #count = 0;

  /** How many numbers there are. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of memory that are held. */
  get memory(): number {
    return this.#blocks.reduce((sum, block) => sum + block.length, 0);
  }

  add(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#put((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#put(rest);
    this.#count++;
  }

  /** The numbers, from the first on: each call of the function gives the next one, and 0 behind the last. */
  reader(): () => number {
    const blocks = this.#blocks;
    let block = blocks[0];
    let blockIndex = 0;
    let at = 0;
    return function next(): number {
      let value = 0;
      let scale = 1;
      while (block !== undefined) {
        if (at === block.length) {
          block = blocks[++blockIndex];
          at = 0;
          continue;
        }
        const byte = block[at++] ?? 0;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 0x80;
      }
      return value;
    };
  }

  #put(byte: number): void {
    if (this.#at === this.#block.length) {
      const size = Math.min(Math.max(FIRST_BLOCK_BYTES, this.#block.length * 2), MAX_BLOCK_BYTES);
      this.#block = new Uint8Array(size);
      this.#blocks.push(this.#block);
      this.#at = 0;
    }
    this.#block[this.#at++] = byte;
  }
}

/** A number with a sign as one without: 0, -1, 1, -2 … become 0, 1, 2, 3 …, so that small ones stay small. */
export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

/** What {@link zigzag} was given. */
export function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
