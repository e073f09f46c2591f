import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

import { mediaFileError, MediaFileError } from './errors.ts';

/** What tells one state of a file from another. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** ms since 1970, with fractions. */
  readonly modifiedMs: number;
  /** Device and inode: the same while a file is the same one, also when it grows. */
  readonly identity: string;
}

/** A file opened for reads at any position. Whoever opened it closes it. */
export class FileBytes {
  readonly path: string;
  /** As it was when the file was opened. */
  readonly state: FileState;
  readonly #handle: FileHandle;

  private constructor(path: string, state: FileState, handle: FileHandle) {
    this.path = path;
    this.state = state;
    this.#handle = handle;
  }

  /** @throws MediaFileError `missing`, `denied`, `not-a-file`, `io` */
  static async open(path: string): Promise<FileBytes> {
    let handle: FileHandle | undefined;
    try {
      // A named pipe would otherwise wait for its writer.
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const facts = await handle.stat();
      if (!facts.isFile()) throw new MediaFileError('not-a-file', `${path} is not a regular file`);
      const { size, mtimeMs, dev, ino } = facts;
      return new FileBytes(path, { size, modifiedMs: mtimeMs, identity: `${dev}:${ino}` }, handle);
    } catch (error) {
      await handle?.close();
      throw mediaFileError(path, error);
    }
  }

  /** Bytes in the file when it was opened. */
  get size(): number {
    return this.state.size;
  }

  /**
   * Fills the target from a position on, as far as the file goes.
   *
   * @returns bytes read; fewer than the target holds only at the end of the file.
   * @throws MediaFileError `io`
   */
  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    try {
      while (filled < target.length) {
        const { bytesRead } = await this.#handle.read(
          target,
          filled,
          target.length - filled,
          position + filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw mediaFileError(this.path, error);
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
