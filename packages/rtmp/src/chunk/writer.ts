import { RtmpError } from '../errors.ts';
import type { RtmpMessage } from '../message/index.ts';
import { defaultChunkSize } from './reader.ts';

/** Bytes of an extended timestamp. */
export const extendedTimestampBytes = 4;
/** Message headers of types 0 and 1, without the basic header. */
const type0Bytes = 11;
const type1Bytes = 7;
/** From here on a timestamp or delta doesn't fit the header's 24 bits. */
const extendedFrom = 0xff_ffff;

/**
 * Bytes of a basic header.
 *
 * @param chunkStreamId 2..65599
 */
export function basicHeaderSize(chunkStreamId: number): number {
  return chunkStreamId < 64 ? 1 : chunkStreamId < 320 ? 2 : 3;
}

/** Whether a timestamp or delta in ms needs the 4 extra bytes (Adobe RTMP 1.0, 5.3.1.3). */
export function needsExtendedTimestamp(time: number): boolean {
  return time % 0x1_0000_0000 >= extendedFrom;
}

/** Bytes of a type-0 header, the extended timestamp included. */
export function chunkHeader0Size(chunkStreamId: number, timestamp: number): number {
  const extended = needsExtendedTimestamp(timestamp) ? extendedTimestampBytes : 0;
  return basicHeaderSize(chunkStreamId) + type0Bytes + extended;
}

/** Bytes of a type-1 header, the extended delta included. */
export function chunkHeader1Size(chunkStreamId: number, delta: number): number {
  const extended = needsExtendedTimestamp(delta) ? extendedTimestampBytes : 0;
  return basicHeaderSize(chunkStreamId) + type1Bytes + extended;
}

/**
 * Bytes of a whole message in chunks.
 *
 * @param headerSize bytes of the first chunk's header
 * @param extended whether that header has an extended timestamp, which each type-3 header repeats
 * @param chunkStreamId 2..65599; default: any below 64
 */
export function chunkedSize(
  payloadLength: number,
  chunkSize: number,
  headerSize: number,
  extended: boolean,
  chunkStreamId = 2,
): number {
  const continuations = payloadLength === 0 ? 0 : Math.ceil(payloadLength / chunkSize) - 1;
  const continuationSize = basicHeaderSize(chunkStreamId) + (extended ? extendedTimestampBytes : 0);
  return headerSize + payloadLength + continuations * continuationSize;
}

/**
 * Writes a type-0 chunk header: basic header, timestamp, length, type, stream id (Adobe RTMP 1.0, 5.3.1.2.1).
 *
 * @param timestamp ms, taken modulo 2^32
 * @returns the offset behind it
 */
export function writeChunkHeader0(
  target: Uint8Array,
  offset: number,
  chunkStreamId: number,
  timestamp: number,
  length: number,
  type: number,
  streamId: number,
): number {
  const wire = timestamp >>> 0;
  const fields = writeBasicHeader(target, offset, 0, chunkStreamId);
  writeUint24(target, fields, wire < extendedFrom ? wire : extendedFrom);
  writeUint24(target, fields + 3, length);
  target[fields + 6] = type;
  target[fields + 7] = streamId;
  target[fields + 8] = streamId >>> 8;
  target[fields + 9] = streamId >>> 16;
  target[fields + 10] = streamId >>> 24;
  return wire < extendedFrom ? fields + type0Bytes : writeUint32(target, fields + type0Bytes, wire);
}

/**
 * Writes a type-1 chunk header: basic header, timestamp delta, length, type (Adobe RTMP 1.0, 5.3.1.2.2). It
 * depends neither on the receiver's message stream nor on its time base.
 *
 * @param delta ms since the last message of this chunk stream, taken modulo 2^32
 * @returns the offset behind it
 */
export function writeChunkHeader1(
  target: Uint8Array,
  offset: number,
  chunkStreamId: number,
  delta: number,
  length: number,
  type: number,
): number {
  const wire = delta >>> 0;
  const fields = writeBasicHeader(target, offset, 1, chunkStreamId);
  writeUint24(target, fields, wire < extendedFrom ? wire : extendedFrom);
  writeUint24(target, fields + 3, length);
  target[fields + 6] = type;
  return wire < extendedFrom ? fields + type1Bytes : writeUint32(target, fields + type1Bytes, wire);
}

/**
 * Writes a payload behind its first chunk's header, with a type-3 header between chunks.
 *
 * @param extendedTimestamp the first header's extended timestamp or delta, repeated in each type-3 header
 *   (Adobe RTMP 1.0, 5.3.1.3); `undefined` when it has none
 * @returns the offset behind it
 */
export function writeChunkedPayload(
  target: Uint8Array,
  offset: number,
  payload: Uint8Array,
  chunkSize: number,
  chunkStreamId: number,
  extendedTimestamp: number | undefined,
): number {
  const length = payload.length;
  if (length <= chunkSize) {
    target.set(payload, offset);
    return offset + length;
  }
  let written = offset;
  for (let start = 0; start < length; start += chunkSize) {
    if (start > 0) {
      written = writeBasicHeader(target, written, 3, chunkStreamId);
      if (extendedTimestamp !== undefined) {
        written = writeUint32(target, written, extendedTimestamp >>> 0);
      }
    }
    const end = Math.min(start + chunkSize, length);
    target.set(payload.subarray(start, end), written);
    written += end - start;
  }
  return written;
}

/**
 * Cuts whole messages into chunks for one direction of a connection: a type-0 header first, type-3 headers after
 * it (Adobe RTMP 1.0, 5.3.1). It keeps nothing but the chunk size, so others may write to the same connection
 * between its calls.
 */
export class ChunkWriter {
  #chunkSize = defaultChunkSize;

  /** Bytes of payload in a chunk; starts at 128. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /**
   * Sets the size of the chunks from the next call on. The peer has to be told with Set Chunk Size first.
   *
   * @param chunkSize bytes, 1..2^31-1
   * @throws RtmpError `chunk-size`
   */
  setChunkSize(chunkSize: number): void {
    if (!Number.isInteger(chunkSize) || chunkSize < 1 || chunkSize > 0x7fff_ffff) {
      throw new RtmpError('chunk-size', `chunk size must be 1..2147483647, got ${chunkSize}`);
    }
    this.#chunkSize = chunkSize;
  }

  /**
   * @returns the message's chunks in fresh memory of the exact size
   * @throws RtmpError `message-too-large` above 16777215 bytes, the most that the length field can say
   */
  encode(message: RtmpMessage): Uint8Array {
    const target = new Uint8Array(this.#encodedSize(message));
    this.#writeMessage(target, 0, message);
    return target;
  }

  /** Like {@link encode}, several messages in one buffer. */
  encodeAll(messages: readonly RtmpMessage[]): Uint8Array {
    let size = 0;
    for (const message of messages) {
      size += this.#encodedSize(message);
    }
    const target = new Uint8Array(size);
    let offset = 0;
    for (const message of messages) {
      offset = this.#writeMessage(target, offset, message);
    }
    return target;
  }

  #encodedSize(message: RtmpMessage): number {
    const { chunkStreamId, timestamp, payload } = message;
    if (payload.length > 0xff_ffff) {
      throw new RtmpError(
        'message-too-large',
        `message of ${payload.length} bytes, at most 16777215 can be sent`,
      );
    }
    const headerSize = chunkHeader0Size(chunkStreamId, timestamp);
    const extended = needsExtendedTimestamp(timestamp);
    return chunkedSize(payload.length, this.#chunkSize, headerSize, extended, chunkStreamId);
  }

  #writeMessage(target: Uint8Array, offset: number, message: RtmpMessage): number {
    const { chunkStreamId, timestamp, payload, type, streamId } = message;
    const body = writeChunkHeader0(target, offset, chunkStreamId, timestamp, payload.length, type, streamId);
    const extended = needsExtendedTimestamp(timestamp) ? timestamp : undefined;
    return writeChunkedPayload(target, body, payload, this.#chunkSize, chunkStreamId, extended);
  }
}

function writeBasicHeader(target: Uint8Array, offset: number, format: number, chunkStreamId: number): number {
  if (chunkStreamId < 64) {
    target[offset] = (format << 6) | chunkStreamId;
    return offset + 1;
  }
  const rest = chunkStreamId - 64;
  if (rest < 256) {
    target[offset] = format << 6;
    target[offset + 1] = rest;
    return offset + 2;
  }
  target[offset] = (format << 6) | 1;
  target[offset + 1] = rest;
  target[offset + 2] = rest >>> 8;
  return offset + 3;
}

function writeUint24(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 16;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value;
}

function writeUint32(target: Uint8Array, offset: number, value: number): number {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
  return offset + 4;
}
