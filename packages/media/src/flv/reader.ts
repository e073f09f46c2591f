import { copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  FLV_FILE_HEADER_BYTES,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  type FlvHeaderFlags,
  type FlvTag,
  FlvTagType,
  parseFlvHeader,
  parseFlvTagHeader,
} from './tag.ts';

/** Limits of an {@link FlvReader}. */
export interface FlvReaderOptions {
  /** Bytes of one tag's body. Default 8 MiB; the format itself ends at 16 MiB - 1. */
  readonly maxTagBytes?: number;
  /** Bytes that the file header says it has, 9 in every file of version 1. Default 1024. */
  readonly maxHeaderBytes?: number;
}

/** How the data ended. */
export interface FlvEnd {
  /** True when the data ended inside the file header or inside a tag. */
  readonly cut: boolean;
  /** Bytes of the unfinished header or tag that were there. */
  readonly pendingBytes: number;
}

/** The default of {@link FlvReaderOptions.maxTagBytes}. */
export const DEFAULT_MAX_FLV_TAG_BYTES = 8 * 1024 * 1024;
/** The default of {@link FlvReaderOptions.maxHeaderBytes}. */
export const DEFAULT_MAX_FLV_HEADER_BYTES = 1024;

/** A body's memory grows with what has arrived, so that a tag's claim alone costs no more than this. */
const FIRST_BODY_BYTES = 64 * 1024;

type State = 'file-header' | 'tag-header' | 'body';

/**
 * Reads an FLV file or endless FLV body (FLV 10.1 Annex E) as it arrives, in pieces of any size.
 *
 * It holds at most one unfinished tag. After an error the reader is of no more use: every later call throws it again.
 */
export class FlvReader {
  readonly #maxTagBytes: number;
  readonly #maxHeaderBytes: number;
  readonly #scratch = new Uint8Array(FLV_TAG_HEADER_BYTES);
  #scratchLength = 0;
  #state: State = 'file-header';
  #skip = 0;
  #header: FlvHeaderFlags | undefined;
  #type: FlvTagType = FlvTagType.audio;
  #timestamp = 0;
  #size = 0;
  #body = new Uint8Array(0);
  #bodyLength = 0;
  #failure: MediaError | undefined;

  constructor(options: FlvReaderOptions = {}) {
    this.#maxTagBytes = options.maxTagBytes ?? DEFAULT_MAX_FLV_TAG_BYTES;
    this.#maxHeaderBytes = options.maxHeaderBytes ?? DEFAULT_MAX_FLV_HEADER_BYTES;
  }

  /** What the file header announces; undefined until it is there. */
  get header(): FlvHeaderFlags | undefined {
    return this.#header;
  }

  /**
   * Takes the next bytes.
   *
   * @param bytes copied as needed: the caller may use its memory again.
   * @returns the tags that are now complete, each with a body of its own memory.
   * @throws MediaError `bad-value` when the bytes are no FLV, `unsupported` for another version or an encrypted tag,
   * `limit-exceeded` for a tag or header that is too long. Tags in front of the fault are returned first; the error
   * is thrown by the next call.
   */
  write(bytes: Uint8Array): FlvTag[] {
    if (this.#failure !== undefined) throw this.#failure;
    const tags: FlvTag[] = [];
    try {
      this.#read(bytes, tags);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#failure = error;
      this.#body = new Uint8Array(0);
      if (tags.length === 0) throw error;
    }
    return tags;
  }

  /**
   * Says how the data ended; call it when no more comes.
   *
   * @throws MediaError the error that {@link write} met, if it met one.
   */
  end(): FlvEnd {
    if (this.#failure !== undefined) throw this.#failure;
    switch (this.#state) {
      case 'file-header':
        return { cut: true, pendingBytes: this.#scratchLength };
      case 'tag-header':
        return { cut: this.#scratchLength > 0, pendingBytes: this.#scratchLength };
      case 'body':
        return { cut: true, pendingBytes: FLV_TAG_HEADER_BYTES + this.#bodyLength };
    }
  }

  #read(bytes: Uint8Array, tags: FlvTag[]): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - offset);
        this.#skip -= skipped;
        offset += skipped;
      } else if (this.#state === 'body') {
        offset = this.#readBody(bytes, offset, tags);
      } else {
        offset = this.#readHeader(bytes, offset, tags);
      }
    }
  }

  #readHeader(bytes: Uint8Array, offset: number, tags: FlvTag[]): number {
    const wanted = this.#state === 'file-header' ? FLV_FILE_HEADER_BYTES : FLV_TAG_HEADER_BYTES;
    const count = Math.min(wanted - this.#scratchLength, bytes.length - offset);
    this.#scratch.set(bytes.subarray(offset, offset + count), this.#scratchLength);
    this.#scratchLength += count;
    if (this.#scratchLength === wanted) {
      this.#scratchLength = 0;
      if (this.#state === 'file-header') this.#fileHeader();
      else this.#tagHeader(tags);
    }
    return offset + count;
  }

  /** FLV 10.1 E.2. */
  #fileHeader(): void {
    const { dataOffset, audio, video } = parseFlvHeader(this.#scratch);
    if (dataOffset > this.#maxHeaderBytes) {
      throw new MediaError(
        'limit-exceeded',
        `FLV DataOffset is ${dataOffset}, the limit is ${this.#maxHeaderBytes}`,
      );
    }
    this.#header = { audio, video };
    this.#skip = dataOffset - FLV_FILE_HEADER_BYTES + FLV_PREVIOUS_TAG_SIZE_BYTES;
    this.#state = 'tag-header';
  }

  /** FLV 10.1 E.4.1. */
  #tagHeader(tags: FlvTag[]): void {
    const { type, size, timestamp } = parseFlvTagHeader(this.#scratch);
    this.#type = type;
    this.#size = size;
    this.#timestamp = timestamp;
    if (this.#size > this.#maxTagBytes) {
      throw new MediaError(
        'limit-exceeded',
        `an FLV tag of ${this.#size} bytes, the limit is ${this.#maxTagBytes}`,
      );
    }
    this.#bodyLength = 0;
    this.#state = 'body';
    if (this.#size === 0) this.#finishTag(new Uint8Array(0), tags);
  }

  #readBody(bytes: Uint8Array, offset: number, tags: FlvTag[]): number {
    const count = Math.min(this.#size - this.#bodyLength, bytes.length - offset);
    const piece = bytes.subarray(offset, offset + count);
    if (count === this.#size) {
      this.#finishTag(copyBytes(piece), tags);
      return offset + count;
    }
    this.#reserve(this.#bodyLength + count);
    this.#body.set(piece, this.#bodyLength);
    this.#bodyLength += count;
    if (this.#bodyLength === this.#size) {
      const body = this.#body;
      this.#body = new Uint8Array(0);
      this.#finishTag(body, tags);
    }
    return offset + count;
  }

  #finishTag(body: Uint8Array, tags: FlvTag[]): void {
    tags.push({ type: this.#type, timestamp: this.#timestamp, body });
    this.#bodyLength = 0;
    this.#state = 'tag-header';
    // Writers of all kinds get PreviousTagSize wrong, and nothing here reads backwards.
    this.#skip = FLV_PREVIOUS_TAG_SIZE_BYTES;
  }

  /** Ends with a body of exactly the tag's size. */
  #reserve(wanted: number): void {
    if (wanted <= this.#body.length) return;
    const grown = Math.max(wanted, this.#body.length * 2, FIRST_BODY_BYTES);
    const larger = new Uint8Array(Math.min(grown, this.#size));
    larger.set(this.#body.subarray(0, this.#bodyLength));
    this.#body = larger;
  }
}
