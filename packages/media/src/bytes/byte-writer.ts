import { MediaError } from '../errors.ts';
import { encodeUtf8Into } from './utf8.ts';

const DEFAULT_CAPACITY = 256;

/**
 * Writes fields one after another into memory of its own, which doubles when it is full. All numbers are
 * big-endian unless the name says `le`. A number that does not fit its field throws {@link MediaError}
 * `bad-value`: a field is never cut in silence.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param capacity Bytes to allocate at first; the right figure saves the growing. */
  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.#bytes = new Uint8Array(Math.max(capacity, 16));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes are written so far: the offset of the next field. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    checkUnsigned(value, 0xff);
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    checkUnsigned(value, 0xffff);
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u24(value: number): this {
    checkUnsigned(value, 0xffffff);
    const at = this.#grow(3);
    this.#setU24(at, value);
    return this;
  }

  u32(value: number): this {
    checkUnsigned(value, 0xffffffff);
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** 32 bits, least significant byte first. */
  u32le(value: number): this {
    checkUnsigned(value, 0xffffffff);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  i16(value: number): this {
    checkSigned(value, 0x7fff);
    const at = this.#grow(2);
    this.#view.setInt16(at, value);
    return this;
  }

  i24(value: number): this {
    checkSigned(value, 0x7fffff);
    const at = this.#grow(3);
    this.#setU24(at, value);
    return this;
  }

  i32(value: number): this {
    checkSigned(value, 0x7fffffff);
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  /** An IEEE 754 double. */
  f64(value: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value);
    return this;
  }

  /** Copies the bytes in. */
  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Writes the text as UTF-8, without a length before it; compare `length` before and after. */
  utf8(text: string): this {
    const at = this.#grow(text.length * 3);
    this.#length = at + encodeUtf8Into(text, this.#bytes, at);
    return this;
  }

  /** Writes one byte over an earlier one. @throws MediaError `bad-value` outside what is written. */
  patchU8(offset: number, value: number): this {
    checkUnsigned(value, 0xff);
    this.#checkPatch(offset, 1);
    this.#bytes[offset] = value;
    return this;
  }

  /** Writes 16 bits over earlier bytes. @throws MediaError `bad-value` outside what is written. */
  patchU16(offset: number, value: number): this {
    checkUnsigned(value, 0xffff);
    this.#checkPatch(offset, 2);
    this.#view.setUint16(offset, value);
    return this;
  }

  /** Writes 24 bits over earlier bytes. @throws MediaError `bad-value` outside what is written. */
  patchU24(offset: number, value: number): this {
    checkUnsigned(value, 0xffffff);
    this.#checkPatch(offset, 3);
    this.#setU24(offset, value);
    return this;
  }

  /** Writes 32 bits over earlier bytes. @throws MediaError `bad-value` outside what is written. */
  patchU32(offset: number, value: number): this {
    checkUnsigned(value, 0xffffffff);
    this.#checkPatch(offset, 4);
    this.#view.setUint32(offset, value);
    return this;
  }

  /**
   * What was written, as a view of the exact size on the writer's own memory. The writer is done with after
   * this: a later write may or may not show in the view.
   */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `count` bytes and says where they begin. */
  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }

  #setU24(at: number, value: number): void {
    this.#bytes[at] = value >> 16;
    this.#bytes[at + 1] = value >> 8;
    this.#bytes[at + 2] = value;
  }

  #checkPatch(offset: number, count: number): void {
    if (!(Number.isInteger(offset) && offset >= 0 && offset + count <= this.#length)) {
      throw new MediaError(
        'bad-value',
        `cannot patch ${count} byte(s) at offset ${offset}, there are ${this.#length} written`,
      );
    }
  }
}

function checkUnsigned(value: number, maximum: number): void {
  if (!(value >= 0 && value <= maximum && Number.isInteger(value))) {
    throw new MediaError('bad-value', `wanted an integer 0..${maximum}, got ${value}`);
  }
}

function checkSigned(value: number, maximum: number): void {
  if (!(value >= -maximum - 1 && value <= maximum && Number.isInteger(value))) {
    throw new MediaError('bad-value', `wanted an integer ${-maximum - 1}..${maximum}, got ${value}`);
  }
}
