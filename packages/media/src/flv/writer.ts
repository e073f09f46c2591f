import { encodeFlvTag, flvHeader, type FlvHeaderFlags, type FlvTag } from './tag.ts';

/**
 * Turns tags into the bytes of an FLV file; the caller does the I/O, in the order of the calls.
 */
export class FlvWriter {
  readonly #flags: FlvHeaderFlags;
  #bytesWritten = 0;

  /** @param flags which kinds of tags the file header announces. Default: both. */
  constructor(flags: FlvHeaderFlags = { audio: true, video: true }) {
    this.#flags = flags;
  }

  /** Bytes given out so far: the offset in the file of the next tag. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** The file header, when it was not given out yet, else no bytes. {@link write} does this by itself. */
  start(): Uint8Array {
    if (this.#bytesWritten > 0) return new Uint8Array(0);
    const header = flvHeader(this.#flags);
    this.#bytesWritten = header.length;
    return header;
  }

  /**
   * The bytes of one tag, the file header in front of the first; new memory.
   *
   * @throws MediaError `limit-exceeded` when the body is longer than 24 bits can say.
   */
  write(tag: FlvTag): Uint8Array {
    const encoded = encodeFlvTag(tag);
    const header = this.start();
    this.#bytesWritten += encoded.length;
    if (header.length === 0) return encoded;
    const result = new Uint8Array(header.length + encoded.length);
    result.set(header);
    result.set(encoded, header.length);
    return result;
  }
}
