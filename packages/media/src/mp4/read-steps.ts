import { MediaError } from '../errors.ts';

/** Bytes of a file that a reader wants next. */
export interface ReadRequest {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** How many; all of them lie inside the file. */
  readonly length: number;
}

/**
 * Work on a file that owns no file: it asks for bytes, is given them with `next(bytes)`, and ends with a result.
 * {@link runReadSteps} drives it. The memory that it is given becomes its own: give new memory for each request.
 */
export type ReadSteps<T> = Generator<ReadRequest, T, Uint8Array>;

/**
 * Drives the steps.
 *
 * @param read Reads exactly what is asked; fewer bytes mean that the file ends there.
 * @throws MediaError what the steps throw, and whatever `read` rejects with.
 */
export async function runReadSteps<T>(
  steps: ReadSteps<T>,
  read: (request: ReadRequest) => Promise<Uint8Array>,
): Promise<T> {
  let step = steps.next();
  while (step.done !== true) step = steps.next(await read(step.value));
  return step.value;
}

/** Drives the steps over a file that is in memory. @throws MediaError what the steps throw. */
export function runReadStepsOn<T>(bytes: Uint8Array, steps: ReadSteps<T>): T {
  let step = steps.next();
  while (step.done !== true) {
    const { offset, length } = step.value;
    step = steps.next(bytes.subarray(offset, offset + length));
  }
  return step.value;
}

/** Bytes that are asked for at once: the head of a fragment is mostly shorter. */
const READ_AHEAD_BYTES = 8 * 1024;

/** Asks for bytes of a file, a little ahead, and remembers what came last. */
export class ReadWindow {
  /** Bytes of the file. */
  readonly fileSize: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  /** @throws MediaError `bad-value` for a size that is none. */
  constructor(fileSize: number) {
    if (!(Number.isSafeInteger(fileSize) && fileSize >= 0)) {
      throw new MediaError('bad-value', `a file of ${fileSize} bytes`);
    }
    this.fileSize = fileSize;
  }

  /**
   * The bytes of a range, as a view.
   *
   * @throws MediaError `short-read` when the file ends before.
   */
  *read(offset: number, length: number): ReadSteps<Uint8Array> {
    if (offset + length > this.fileSize) {
      throw new MediaError(
        'short-read',
        `wanted ${length} byte(s) at offset ${offset}, the file has ${this.fileSize}`,
      );
    }
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      const ahead = Math.min(Math.max(length, READ_AHEAD_BYTES), this.fileSize - offset);
      const bytes = yield { offset, length: ahead };
      this.#start = offset;
      this.#bytes = bytes;
      if (bytes.length < length) {
        throw new MediaError(
          'short-read',
          `wanted ${length} byte(s) at offset ${offset}, got ${bytes.length}`,
        );
      }
    }
    const at = offset - this.#start;
    return this.#bytes.subarray(at, at + length);
  }
}
