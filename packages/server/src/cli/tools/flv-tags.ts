import { MediaError } from '@sluice/media';
import {
  FLV_FILE_HEADER_BYTES,
  FLV_MAX_BODY_BYTES,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  type FlvHeaderFlags,
  FlvReader,
  type FlvTag,
  flvTagSize,
  parseFlvHeader,
} from '@sluice/media/flv';

import { type FileBytes, MediaFileError } from '../../files/index.ts';

/** A tag and where it begins. */
export interface PlacedTag extends FlvTag {
  /** Byte of the file. */
  readonly position: number;
}

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

/** The tags of an FLV file with their places, as far as they are whole. */
export class FlvTags {
  readonly #bytes: FileBytes;
  readonly #reader = new FlvReader({ maxTagBytes: FLV_MAX_BODY_BYTES });
  #position: number;
  #end: number;
  #problem: string | undefined;

  private constructor(bytes: FileBytes, first: number) {
    this.#bytes = bytes;
    this.#position = first;
    this.#end = first;
  }

  /**
   * @param bytes the caller's
   * @throws MediaFileError `not-media`, `io`
   */
  static async open(bytes: FileBytes): Promise<FlvTags> {
    const head = new Uint8Array(FLV_FILE_HEADER_BYTES);
    const count = await bytes.read(head, 0);
    if (count < head.length) throw new MediaFileError('not-media', `${bytes.path} is no FLV file`);
    let dataOffset: number;
    try {
      ({ dataOffset } = parseFlvHeader(head));
    } catch (error) {
      throw new MediaFileError('not-media', `${bytes.path} is no FLV file`, { cause: error });
    }
    return new FlvTags(bytes, dataOffset + FLV_PREVIOUS_TAG_SIZE_BYTES);
  }

  /** What the file header announces; undefined before the iteration. */
  get header(): FlvHeaderFlags | undefined {
    return this.#reader.header;
  }

  /** The byte behind the body of the last whole tag; its PreviousTagSize follows. */
  get end(): number {
    return this.#end;
  }

  /** What is wrong with the bytes behind the last whole tag; known when the iteration is over. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Reads all whole tags; call it once. A fault of the file ends the iteration, see {@link problem}.
   *
   * @throws MediaFileError `io`
   */
  async *batches(): AsyncGenerator<readonly PlacedTag[], void, void> {
    const buffer = new Uint8Array(READ_BYTES);
    let offset = 0;
    for (;;) {
      const count = await this.#bytes.read(buffer, offset);
      offset += count;
      const tags = this.#parse(buffer.subarray(0, count));
      if (tags.length > 0) yield tags;
      if (count === 0 || this.#problem !== undefined) return;
    }
  }

  #parse(bytes: Uint8Array): PlacedTag[] {
    try {
      if (bytes.length > 0) return this.#reader.write(bytes).map((tag) => this.#place(tag));
      const { cut, pendingBytes } = this.#reader.end();
      if (cut) this.#problem = `it ends inside a tag, after ${pendingBytes} bytes of it`;
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#problem = `damaged at byte ${this.#position}: ${error.message}`;
    }
    return [];
  }

  #place(tag: FlvTag): PlacedTag {
    const position = this.#position;
    this.#position += flvTagSize(tag.body.length);
    this.#end = position + FLV_TAG_HEADER_BYTES + tag.body.length;
    return { ...tag, position };
  }
}
