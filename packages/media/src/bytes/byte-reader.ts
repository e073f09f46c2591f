import { MediaError } from '../errors.ts';
import { decodeUtf8 } from './utf8.ts';

/**
 * Reads fields one after another from bytes that it borrows: nothing is copied, and the bytes must not change
 * while views of them are in use. All numbers are big-endian unless the name says `le`.
 *
 * Every read checks the end first and throws {@link MediaError} `short-read` with the offset where it is.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  /**
   * @param start First byte to read.
   * @param end One past the last byte that may be read.
   * @throws MediaError `bad-value` unless 0 <= start <= end <= bytes.length.
   */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    if (!(
      Number.isInteger(start) &&
      Number.isInteger(end) &&
      start >= 0 &&
      start <= end &&
      end <= bytes.length
    )) {
      throw new MediaError('bad-value', `range ${start}..${end} is not within ${bytes.length} bytes`);
    }
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  /** Where the next read begins, counted from the start of the borrowed bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** One past the last byte that may be read. */
  get end(): number {
    return this.#end;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  /** The next byte, which the next read will see again. */
  peekU8(): number {
    const at = this.#take(1);
    this.#offset = at;
    return this.#bytes[at] ?? 0;
  }

  u16(): number {
    const at = this.#take(2);
    const bytes = this.#bytes;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }

  u24(): number {
    const at = this.#take(3);
    const bytes = this.#bytes;
    return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** 32 bits, least significant byte first. */
  u32le(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (
      ((bytes[at] ?? 0) |
        ((bytes[at + 1] ?? 0) << 8) |
        ((bytes[at + 2] ?? 0) << 16) |
        ((bytes[at + 3] ?? 0) << 24)) >>>
      0
    );
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  i24(): number {
    return (this.u24() << 8) >> 8;
  }

  i32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return (
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)
    );
  }

  /** An IEEE 754 double. */
  f64(): number {
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0);
  }

  /** A view of the next `count` bytes: shared memory, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The next `count` bytes as UTF-8 text; invalid sequences become U+FFFD. */
  utf8(count: number): string {
    const at = this.#take(count);
    return decodeUtf8(this.#bytes, at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Moves over `count` bytes and says where they begin. */
  #take(count: number): number {
    const at = this.#offset;
    if (!(count >= 0 && count <= this.#end - at)) this.#refuse(count);
    this.#offset = at + count;
    return at;
  }

  #refuse(count: number): never {
    if (!(count >= 0)) throw new MediaError('bad-value', `cannot read ${count} bytes`);
    throw new MediaError(
      'short-read',
      `wanted ${count} byte(s) at offset ${this.#offset}, there are ${this.remaining}`,
    );
  }
}
