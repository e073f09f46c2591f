import { MediaError } from '../errors.ts';
import { ByteWriter } from './byte-writer.ts';

/** Writes bit fields, most significant bit first, into memory of its own that grows as needed. */
export class BitWriter {
  readonly #writer: ByteWriter;
  #current = 0;
  #currentBits = 0;

  /** @param capacity Bytes to allocate at first. */
  constructor(capacity = 32) {
    this.#writer = new ByteWriter(capacity);
  }

  /** How many bits are written so far. */
  get position(): number {
    return this.#writer.length * 8 + this.#currentBits;
  }

  /** Writes a number in `count` bits, 0..32. @throws MediaError `bad-value` when it does not fit. */
  bits(value: number, count: number): this {
    if (!(Number.isInteger(count) && count >= 0 && count <= 32)) {
      throw new MediaError('bad-value', `wanted 0..32 bits at once, got ${count}`);
    }
    if (!(Number.isInteger(value) && value >= 0 && value < 2 ** count)) {
      throw new MediaError('bad-value', `wanted an integer of ${count} bit(s), got ${value}`);
    }
    let left = count;
    while (left > 0) {
      const taken = Math.min(8 - this.#currentBits, left);
      left -= taken;
      const piece = Math.floor(value / 2 ** left) & ((1 << taken) - 1);
      this.#current = (this.#current << taken) | piece;
      this.#currentBits += taken;
      if (this.#currentBits === 8) this.#flush();
    }
    return this;
  }

  /** Writes one bit. */
  flag(value: boolean): this {
    return this.bits(value ? 1 : 0, 1);
  }

  /** Writes an unsigned Exp-Golomb number, 0..2^32-2 (ITU-T H.264 clause 9.1). @throws MediaError `bad-value`. */
  ue(value: number): this {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xfffffffe)) {
      throw new MediaError('bad-value', `Exp-Golomb: wanted an integer 0..4294967294, got ${value}`);
    }
    const width = 32 - Math.clz32(value + 1);
    return this.bits(0, width - 1).bits(value + 1, width);
  }

  /** Writes a signed Exp-Golomb number (ITU-T H.264 clause 9.1.1). @throws MediaError `bad-value`. */
  se(value: number): this {
    return this.ue(value > 0 ? value * 2 - 1 : value * -2);
  }

  /** Fills a begun byte with zero bits. */
  alignToByte(): this {
    if (this.#currentBits > 0) {
      this.#current <<= 8 - this.#currentBits;
      this.#flush();
    }
    return this;
  }

  /** What was written, filled with zero bits to a whole byte, as a view of the writer's own memory. */
  finish(): Uint8Array {
    this.alignToByte();
    return this.#writer.finish();
  }

  #flush(): void {
    this.#writer.u8(this.#current);
    this.#current = 0;
    this.#currentBits = 0;
  }
}
