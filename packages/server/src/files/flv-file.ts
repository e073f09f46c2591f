import { MediaError } from '@sluice/media';
import { FlvReader, type FlvTag } from '@sluice/media/flv';

import { MediaFileError } from './errors.ts';
import type { FileBytes } from './file-bytes.ts';
import type { MediaFile } from './media-file.ts';

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

/** An FLV file. A file that ends inside a tag, as an unfinished recording does, ends with the tag before. */
export class FlvFile implements MediaFile {
  readonly format = 'flv';
  readonly skipped: readonly string[] = [];
  readonly #bytes: FileBytes;

  /** @param bytes owned from now on */
  constructor(bytes: FileBytes) {
    this.#bytes = bytes;
  }

  get path(): string {
    return this.#bytes.path;
  }

  async *tags(): AsyncGenerator<readonly FlvTag[], void, void> {
    const reader = new FlvReader();
    const buffer = new Uint8Array(READ_BYTES);
    let position = 0;
    while (true) {
      const count = await this.#bytes.read(buffer, position);
      position += count;
      const tags = this.#parse(reader, buffer.subarray(0, count), position);
      if (tags.length > 0) yield tags;
      if (count === 0) return;
    }
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }

  #parse(reader: FlvReader, bytes: Uint8Array, end: number): readonly FlvTag[] {
    try {
      if (bytes.length > 0) return reader.write(bytes);
      // It tells of a fault behind the last tags.
      reader.end();
      return [];
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      const where = `${this.path}, before byte ${end}`;
      throw new MediaFileError('damaged', `${where}: ${error.message}`, { cause: error });
    }
  }
}
