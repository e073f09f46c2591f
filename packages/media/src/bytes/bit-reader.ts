import { MediaError } from '../errors.ts';

/**
 * Reads bit fields, most significant bit first, from bytes that it borrows. Every read checks the end first
 * and throws {@link MediaError} `short-read`.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #position: number;

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
    this.#position = start * 8;
    this.#end = end * 8;
  }

  /** Where the next read begins, in bits from the start of the borrowed bytes. */
  get position(): number {
    return this.#position;
  }

  /** How many bits are left. */
  get remaining(): number {
    return this.#end - this.#position;
  }

  /** One bit: 0 or 1. */
  bit(): number {
    const at = this.#take(1);
    return ((this.#bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  }

  /** One bit as a truth value. */
  flag(): boolean {
    return this.bit() === 1;
  }

  /** An unsigned number of `count` bits, 0..32 (no bits are 0). @throws MediaError `bad-value` for another count. */
  bits(count: number): number {
    if (!(Number.isInteger(count) && count >= 0 && count <= 32)) {
      throw new MediaError('bad-value', `wanted 0..32 bits at once, got ${count}`);
    }
    let at = this.#take(count);
    const end = at + count;
    let value = 0;
    while (at < end) {
      const inByte = at & 7;
      const taken = Math.min(8 - inByte, end - at);
      const piece = ((this.#bytes[at >> 3] ?? 0) >> (8 - inByte - taken)) & ((1 << taken) - 1);
      // Multiplied, not shifted: 32 bits would turn negative.
      value = value * (1 << taken) + piece;
      at += taken;
    }
    return value;
  }

  /** Passes over `count` bits. */
  skip(count: number): void {
    this.#take(count);
  }

  /** Passes over the rest of a begun byte, if any. */
  alignToByte(): void {
    this.#position = (this.#position + 7) & ~7;
  }

  /**
   * An unsigned Exp-Golomb number, 0..2^32-2 (ITU-T H.264 clause 9.1, `ue(v)`).
   *
   * @throws MediaError `bad-value` for a code of over 32 bits of value.
   */
  ue(): number {
    let leadingZeroBits = 0;
    while (this.bit() === 0) {
      leadingZeroBits++;
      if (leadingZeroBits > 31) {
        throw new MediaError(
          'bad-value',
          'Exp-Golomb code: wanted at most 31 leading zero bits, there are more',
        );
      }
    }
    return 2 ** leadingZeroBits - 1 + this.bits(leadingZeroBits);
  }

  /** A signed Exp-Golomb number (ITU-T H.264 clause 9.1.1, `se(v)`). @throws as {@link ue}. */
  se(): number {
    const code = this.ue();
    if (code === 0) return 0;
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }

  /** Moves over `count` bits and says where they begin. */
  #take(count: number): number {
    const at = this.#position;
    if (!(count >= 0)) throw new MediaError('bad-value', `cannot read ${count} bits`);
    if (count > this.#end - at) {
      throw new MediaError('short-read', `wanted ${count} bit(s) at bit ${at}, there are ${this.#end - at}`);
    }
    this.#position = at + count;
    return at;
  }
}
