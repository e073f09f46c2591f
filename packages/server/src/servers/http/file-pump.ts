import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

/** How much of a file is read and written at once, bytes: what a response holds while its peer is slow. */
const READ_BYTES = 131_072;

/** Buffers that are kept for the next responses. */
const MAX_KEPT_BUFFERS = 64;

/**
 * Sends parts of files, each response through one buffer. Buffers are used again: giving memory back and forth
 * would cost more than reading.
 */
export class FilePump {
  readonly #free: Buffer[] = [];

  /**
   * Sends the bytes from `first` to `last`, both included, and ends the response. When the file turns out
   * shorter the response is cut off: the client must not take what it has for the whole.
   *
   * @returns how many bytes were given to the response.
   * @throws what reading throws; the response is left as it is then
   */
  async send(file: FileHandle, response: ServerResponse, first: number, last: number): Promise<number> {
    const writer = new PieceWriter(response);
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
    let position = first;
    while (position <= last && !writer.isClosed) {
      const wanted = Math.min(buffer.length, last + 1 - position);
      const { bytesRead } = await file.read(buffer, 0, wanted, position);
      if (bytesRead === 0) {
        response.destroy();
        break;
      }
      position += bytesRead;
      await writer.write(buffer.subarray(0, bytesRead), position > last);
    }
    // What a closed socket still holds of the buffer is nobody's business, but it must not be written over.
    if (!writer.isClosed && this.#free.length < MAX_KEPT_BUFFERS) this.#free.push(buffer);
    return position - first;
  }
}

/** Writes one piece after the other. */
class PieceWriter {
  readonly #response: ServerResponse;
  #closed: boolean;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#closed = response.destroyed;
    response.once('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves when the system has taken the piece, or never will. */
  async write(piece: Buffer, isLast: boolean): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (isLast) {
        this.#response.end(piece, resolve);
      } else {
        this.#response.write(piece, () => {
          resolve();
        });
      }
    });
  }
}
