/** Memory is made in steps of this many bytes, so that segments of about one size can use each other's. */
const STEP_BYTES = 16 * 1024;
/** A segment is not put into memory that is so many times its size. */
const MAX_SLACK = 2;
/** How many pieces are looked at before new memory is made. */
const MAX_TRIES = 16;

/**
 * Memory of segments, which goes from one that nobody has to another. It is shared memory, because V8 counts that of
 * other buffers as its own heap: with hundreds of megabytes of segments it would collect again and again, which was a
 * tenth of the work of HLS; and the disk's thread reads it as it is. For the same reason V8 is in no hurry to free it:
 * what is not used again may stay for minutes.
 */
export class SegmentMemory {
  readonly #maxBytes: number;
  #free: SharedArrayBuffer[] = [];
  #bytes = 0;

  /** @param maxBytes - of memory that waits to be used again */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait to be used again. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes of any content. */
  take(length: number): Uint8Array {
    const last = this.#free.length - 1;
    for (let index = last; index >= 0 && index > last - MAX_TRIES; index -= 1) {
      const buffer = this.#free[index];
      if (buffer === undefined || buffer.byteLength < length) continue;
      if (buffer.byteLength > Math.max(length * MAX_SLACK, STEP_BYTES)) continue;
      this.#free.splice(index, 1);
      this.#bytes -= buffer.byteLength;
      return new Uint8Array(buffer, 0, length);
    }
    return new Uint8Array(new SharedArrayBuffer(Math.ceil(length / STEP_BYTES) * STEP_BYTES), 0, length);
  }

  /** Takes back what {@link take} gave, and nobody reads any more. */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer) || this.#bytes + buffer.byteLength > this.#maxBytes) return;
    this.#bytes += buffer.byteLength;
    this.#free.push(buffer);
  }
}
