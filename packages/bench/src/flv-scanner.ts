import { BenchError } from './errors.ts';
import type { ScannedMessage } from './chunk-scanner.ts';

const FLV_HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
const PREVIOUS_TAG_SIZE_BYTES = 4;
const BODY_HEAD_BYTES = 16;
/** The most bytes of a response head that are taken. */
export const MAX_RESPONSE_HEAD_BYTES = 16 * 1024;

/** Follows the tags of an FLV byte stream and tells each one's type, length and head. */
export class FlvScanner {
  readonly #onTag: (message: ScannedMessage) => void;
  readonly #header = new Uint8Array(Math.max(FLV_HEADER_BYTES, TAG_HEADER_BYTES));
  #headerLength = 0;
  #headerSize: number = FLV_HEADER_BYTES;
  #begun = false;
  #length = 0;
  #received = 0;
  #head = new Uint8Array(0);

  constructor(onTag: (message: ScannedMessage) => void) {
    this.#onTag = onTag;
  }

  /**
   * Scans the next bytes.
   * @throws BenchError `bad-option` when the stream does not begin as FLV
   */
  write(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#headerLength < this.#headerSize) {
        this.#header[this.#headerLength++] = bytes[offset++] ?? 0;
        if (this.#headerLength === this.#headerSize) this.#endHeader();
        continue;
      }
      const size = Math.min(this.#length + PREVIOUS_TAG_SIZE_BYTES - this.#received, bytes.length - offset);
      const room = this.#head.length - this.#received;
      if (room > 0) this.#head.set(bytes.subarray(offset, offset + Math.min(room, size)), this.#received);
      this.#received += size;
      offset += size;
      if (this.#received === this.#length + PREVIOUS_TAG_SIZE_BYTES) this.#endTag();
    }
  }

  #endHeader(): void {
    const header = this.#header;
    if (!this.#begun) {
      if (header[0] !== 0x46 || header[1] !== 0x4c || header[2] !== 0x56) {
        throw new BenchError('bad-option', 'the server did not send FLV');
      }
      this.#begun = true;
      this.#headerLength = 0;
      this.#headerSize = TAG_HEADER_BYTES;
      return;
    }
    this.#length = ((header[1] ?? 0) << 16) | ((header[2] ?? 0) << 8) | (header[3] ?? 0);
    this.#head = new Uint8Array(Math.min(this.#length, BODY_HEAD_BYTES));
    this.#received = 0;
  }

  #endTag(): void {
    this.#headerLength = 0;
    this.#onTag({ type: (this.#header[0] ?? 0) & 0x1f, length: this.#length, body: this.#head });
  }
}

/** The head of an HTTP response. */
export interface AnswerHead {
  readonly status: number;
  readonly statusLine: string;
  /** The header lines, in lower case. */
  readonly headers: string;
  /** A view of the bytes behind the head. */
  readonly rest: Buffer;
}

/** Takes the head of an HTTP response off a connection. */
export class ResponseHead {
  #text = '';

  /**
   * Takes the next bytes.
   * @returns undefined while it is not complete
   * @throws BenchError `bad-option` when the head is too long or no HTTP
   */
  write(bytes: Buffer): AnswerHead | undefined {
    const before = this.#text.length;
    this.#text += bytes.toString('latin1', 0, Math.min(bytes.length, MAX_RESPONSE_HEAD_BYTES));
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#text.length >= MAX_RESPONSE_HEAD_BYTES) {
        throw new BenchError(
          'bad-option',
          `the response head is longer than ${MAX_RESPONSE_HEAD_BYTES} bytes`,
        );
      }
      return undefined;
    }
    const statusLine = this.#text.slice(0, this.#text.indexOf('\r\n'));
    const match = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine);
    if (match === null) throw new BenchError('bad-option', 'the server did not answer with HTTP/1.1');
    return {
      status: Number(match[1]),
      statusLine,
      headers: this.#text.slice(0, end).toLowerCase(),
      rest: bytes.subarray(end + 4 - before),
    };
  }
}

/** Takes the chunk framing off a chunked response body (RFC 9112, 7.1). */
export class ChunkedBody {
  readonly #onBytes: (bytes: Buffer) => void;
  #line = '';
  #left = 0;

  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  /** Takes the next bytes of the body; passes views of its data on. */
  write(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, bytes.length - offset);
        this.#left -= size;
        const data = bytes.subarray(offset, offset + size);
        offset += size;
        this.#onBytes(data);
        continue;
      }
      const byte = bytes[offset++] ?? 0;
      if (byte === 0x0a) {
        // An empty line is the end of the chunk before.
        if (this.#line !== '') this.#left = Number.parseInt(this.#line, 16) || 0;
        this.#line = '';
      } else if (byte !== 0x0d && this.#line.length < 16) this.#line += String.fromCharCode(byte);
    }
  }
}

/** Takes the frames off a server's side of a WebSocket connection (RFC 6455, 5.2); control frames are dropped. */
export class WebSocketBody {
  readonly #onBytes: (bytes: Buffer) => void;
  readonly #header = Buffer.alloc(10);
  #headerLength = 0;
  #left = 0;
  #control = false;

  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  /** Takes the next bytes of the connection; passes views of the frames' data on. */
  write(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, bytes.length - offset);
        this.#left -= size;
        const data = bytes.subarray(offset, offset + size);
        offset += size;
        if (!this.#control) this.#onBytes(data);
        continue;
      }
      this.#header[this.#headerLength++] = bytes[offset++] ?? 0;
      this.#takeHeader();
    }
  }

  #takeHeader(): void {
    if (this.#headerLength < 2) return;
    const short = (this.#header[1] ?? 0) & 0x7f;
    const size = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#headerLength < size) return;
    this.#headerLength = 0;
    this.#control = ((this.#header[0] ?? 0) & 0x08) !== 0;
    this.#left =
      size === 2 ? short : size === 4 ? this.#header.readUInt16BE(2) : this.#header.readUIntBE(4, 6);
  }
}
