import { BenchError } from './errors.ts';

/** Bytes of an audio or video message that are kept: enough for every header a player looks at. */
const MEDIA_HEAD_BYTES = 16;
/** The most bytes that a message other than audio and video may declare. */
export const MAX_CONTROL_MESSAGE_BYTES = 1024 * 1024;
/** The most chunk streams that one connection may use. */
export const MAX_SCANNED_CHUNK_STREAMS = 64;

const DEFAULT_CHUNK_SIZE = 128;
/** Basic header 3, message header 11, extended timestamp 4. */
const MAX_HEADER_BYTES = 18;
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;
const EXTENDED_TIMESTAMP = 0xffffff;

const SET_CHUNK_SIZE = 1;
const AUDIO = 8;
const VIDEO = 9;

/** What a scanner tells about a message that is complete. */
export interface ScannedMessage {
  readonly type: number;
  /** The declared length, bytes. */
  readonly length: number;
  /**
   * The body; of audio and video only the first 16 bytes. A view that the scanner may reuse: valid during the
   * call only.
   */
  readonly body: Uint8Array;
}

interface ChunkStream {
  length: number;
  type: number;
  extended: boolean;
  received: number;
  kept: Uint8Array;
}

/**
 * A chunk-stream reader that is as light as a load client needs: it follows the chunks, keeps control and
 * command messages whole and only the head of audio and video. Timestamps are not looked at. (RTMP 1.0, 5.3.)
 */
export class ChunkScanner {
  #chunkSize = DEFAULT_CHUNK_SIZE;
  readonly #streams = new Map<number, ChunkStream>();
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerLength = 0;
  #current: ChunkStream | undefined;
  #chunkLeft = 0;
  readonly #onMessage: (message: ScannedMessage) => void;

  constructor(onMessage: (message: ScannedMessage) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * Scans the next bytes of the connection; messages that they complete are told before it returns.
   * @throws BenchError `bad-option` when the bytes are no chunk stream or go over a limit
   */
  write(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      const stream = this.#current;
      if (stream === undefined) {
        offset = this.#readHeader(bytes, offset);
        continue;
      }
      const size = Math.min(this.#chunkLeft, bytes.length - offset);
      const room = stream.kept.length - stream.received;
      if (room > 0) stream.kept.set(bytes.subarray(offset, offset + Math.min(room, size)), stream.received);
      stream.received += size;
      this.#chunkLeft -= size;
      offset += size;
      if (this.#chunkLeft === 0) this.#endChunk(stream);
    }
  }

  /** Takes header bytes until a whole chunk header is there; returns the offset behind what it took. */
  #readHeader(bytes: Uint8Array, start: number): number {
    let offset = start;
    while (offset < bytes.length) {
      this.#header[this.#headerLength++] = bytes[offset++] ?? 0;
      const wanted = this.#headerSize();
      if (wanted !== undefined && this.#headerLength >= wanted) {
        this.#beginChunk();
        break;
      }
    }
    return offset;
  }

  /** Bytes of the header that is being gathered, or undefined while too few are there to know. */
  #headerSize(): number | undefined {
    const header = this.#header;
    const basic = this.#basicSize();
    if (this.#headerLength < basic) return undefined;
    const format = (header[0] ?? 0) >> 6;
    const size = basic + (MESSAGE_HEADER_BYTES[format] ?? 0);
    if (this.#headerLength < size) return undefined;
    if (format === 3) return this.#streams.get(this.#chunkStreamId())?.extended === true ? size + 4 : size;
    return readU24(header, basic) === EXTENDED_TIMESTAMP ? size + 4 : size;
  }

  #basicSize(): number {
    const low = (this.#header[0] ?? 0) & 0x3f;
    return low === 0 ? 2 : low === 1 ? 3 : 1;
  }

  #chunkStreamId(): number {
    const low = (this.#header[0] ?? 0) & 0x3f;
    if (low > 1) return low;
    return 64 + (this.#header[1] ?? 0) + (low === 1 ? (this.#header[2] ?? 0) * 256 : 0);
  }

  #beginChunk(): void {
    const header = this.#header;
    const basic = this.#basicSize();
    const format = (header[0] ?? 0) >> 6;
    const id = this.#chunkStreamId();
    this.#headerLength = 0;
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#streams.size >= MAX_SCANNED_CHUNK_STREAMS) {
        throw new BenchError(
          'bad-option',
          `the server uses more than ${MAX_SCANNED_CHUNK_STREAMS} chunk streams: is this an RTMP server?`,
        );
      }
      stream = { length: 0, type: 0, extended: false, received: 0, kept: new Uint8Array(0) };
      this.#streams.set(id, stream);
    }
    if (format < 3) stream.extended = readU24(header, basic) === EXTENDED_TIMESTAMP;
    if (format < 2) {
      stream.length = readU24(header, basic + 3);
      stream.type = header[basic + 6] ?? 0;
    }
    if (stream.received === 0) stream.kept = new Uint8Array(keptBytes(stream.type, stream.length));
    this.#chunkLeft = Math.min(this.#chunkSize, stream.length - stream.received);
    this.#current = stream;
    if (this.#chunkLeft === 0) this.#endChunk(stream);
  }

  #endChunk(stream: ChunkStream): void {
    this.#current = undefined;
    if (stream.received < stream.length) return;
    stream.received = 0;
    const body = stream.kept;
    if (stream.type === SET_CHUNK_SIZE && body.length >= 4) {
      this.#chunkSize = Math.max(1, new DataView(body.buffer, body.byteOffset).getUint32(0) & 0x7fffffff);
    }
    this.#onMessage({ type: stream.type, length: stream.length, body });
  }
}

function keptBytes(type: number, length: number): number {
  if (type === AUDIO || type === VIDEO) return Math.min(length, MEDIA_HEAD_BYTES);
  if (length > MAX_CONTROL_MESSAGE_BYTES) {
    throw new BenchError(
      'bad-option',
      `the server sent a message of type ${type} with ${length} bytes; at most ${MAX_CONTROL_MESSAGE_BYTES} are taken`,
    );
  }
  return length;
}

function readU24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}
