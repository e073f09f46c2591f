import { BLOCK_BYTES, LEAST_FREE_BLOCKS } from './limits.ts';

/** The memory that all recordings gather their bytes in, and the count of what waits for the disk. */
export class BlockPool {
  readonly #free: Uint8Array[] = [];
  readonly #maxWaiting: number;
  #used = 0;
  #waiting = 0;

  /** @param maxWaiting - most bytes of all recordings together that may wait */
  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Bytes of all recordings that the disk doesn't have yet. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** Blocks of the common size that are taken. */
  get usedBlocks(): number {
    return this.#used;
  }

  /** Whether more waits than may. */
  get isOver(): boolean {
    return this.#waiting > this.#maxWaiting;
  }

  /** Counts bytes that began to wait, or (negative) that wait no more. */
  count(bytes: number): void {
    this.#waiting += bytes;
  }

  /** A block of {@link BLOCK_BYTES}, or of `size` if that is more. What is in it is not defined. */
  take(size: number): Uint8Array {
    if (size > BLOCK_BYTES) return Buffer.allocUnsafeSlow(size);
    this.#used += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** Takes a block back that nobody reads any more. */
  give(block: Uint8Array): void {
    if (block.length !== BLOCK_BYTES) return;
    this.#used -= 1;
    // Streams that began together fill their blocks together: as many are kept as are in use.
    if (this.#free.length < Math.max(LEAST_FREE_BLOCKS, this.#used)) this.#free.push(block);
  }

  /** A block that was taken is left to the garbage collector: something may read it still. */
  forget(block: Uint8Array): void {
    if (block.length === BLOCK_BYTES) this.#used -= 1;
  }
}
