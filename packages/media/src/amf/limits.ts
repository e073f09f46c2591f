import type { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** How much one message of a peer may make us build. Beyond it: MediaError `limit-exceeded`. */
export interface AmfLimits {
  /** How deep objects and arrays may nest. Default 64, at most 512 (whatever is given), for the call stack's sake. */
  readonly maxDepth: number;
  /** How many values there may be in all, those within others and AMF 3 member names included. Default 131,072. */
  readonly maxCount: number;
  /** The longest single string or XML text that is read, in bytes. Default 1 MiB. */
  readonly maxStringBytes: number;
}

/** The limits that hold where none are given. */
export const DEFAULT_AMF_LIMITS: AmfLimits = { maxDepth: 64, maxCount: 131_072, maxStringBytes: 1_048_576 };

const HIGHEST_MAX_DEPTH = 512;

/** What is left of the limits while one message is read or written. */
export class AmfBudget {
  readonly #maxDepth: number;
  readonly #maxCount: number;
  readonly #maxStringBytes: number;
  #depth = 0;
  #count = 0;

  constructor(limits: Partial<AmfLimits> = {}) {
    const whole = { ...DEFAULT_AMF_LIMITS, ...limits };
    this.#maxDepth = Math.min(whole.maxDepth, HIGHEST_MAX_DEPTH);
    this.#maxCount = whole.maxCount;
    this.#maxStringBytes = whole.maxStringBytes;
  }

  /** Accounts for one value. */
  countOne(): void {
    this.#count++;
    if (this.#count > this.#maxCount) {
      throw new MediaError('limit-exceeded', `AMF: over ${this.#maxCount} values in one message`);
    }
  }

  /**
   * Checks a count field before anything is read or allocated by it.
   *
   * @param count How many elements are said to follow.
   * @param leastBytes The least bytes that each of them takes.
   * @param remaining The bytes that are left.
   */
  checkCount(count: number, leastBytes: number, remaining: number): void {
    if (count > this.#maxCount - this.#count) {
      throw new MediaError(
        'limit-exceeded',
        `AMF: ${count} more elements go over ${this.#maxCount} in one message`,
      );
    }
    if (count * leastBytes > remaining) {
      throw new MediaError(
        'short-read',
        `AMF: ${count} element(s) need ${count * leastBytes} byte(s) at least, there are ${remaining}`,
      );
    }
  }

  /** Accounts for `count` values that the caller reads without another look at the budget. */
  countMany(count: number): void {
    this.#count += count;
  }

  /** Reads a text of `length` bytes. @throws MediaError `limit-exceeded`, `short-read`. */
  readText(reader: ByteReader, length: number): string {
    if (length > this.#maxStringBytes) {
      throw new MediaError(
        'limit-exceeded',
        `AMF: a string of ${length} bytes, the limit is ${this.#maxStringBytes}`,
      );
    }
    return reader.utf8(length);
  }

  /** Goes one level down; every `enter` has its {@link leave}. */
  enter(): void {
    this.#depth++;
    if (this.#depth > this.#maxDepth) {
      throw new MediaError('limit-exceeded', `AMF: nested over ${this.#maxDepth} levels deep`);
    }
  }

  leave(): void {
    this.#depth--;
  }
}
