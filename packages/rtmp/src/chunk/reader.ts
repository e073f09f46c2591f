import { RtmpError } from '../errors.ts';
import { messageType } from '../message/index.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { ChunkLimits } from './limits.ts';
import { wholeChunkLimits } from './limits.ts';
import { largestSlabPayload, PayloadSlab } from './slab.ts';
import { TimestampUnwrapper } from './timestamps.ts';

/** Options of a {@link ChunkReader}. */
export interface ChunkReaderOptions {
  /** Default: {@link defaultChunkLimits}. */
  readonly limits?: Partial<ChunkLimits>;
  /**
   * Lends audio and video payloads that came whole in one `write()`: they are views of the bytes written, good
   * only until `onMessage` returns. It saves a copy and the memory for it where the receiver copies anyway, or
   * keeps nothing. Default false.
   */
  readonly lendsMedia?: boolean;
  /**
   * Gets each complete message, synchronously out of `write()`. It may keep the payload, unless it is lent. What
   * it throws comes out of `write()`, after which the reader must not be used again. It must not call `write()`
   * itself.
   */
  readonly onMessage: (message: RtmpMessage) => void;
}

/** Chunk size of both sides until Set Chunk Size says otherwise (Adobe RTMP 1.0, 5.4.1). */
export const defaultChunkSize = 128;

/** Timestamp field that says that the real value follows in 4 bytes. */
const extendedMark = 0xff_ffff;
/** Header incomplete: nothing was taken. */
const incomplete = -1;
/** Longest header: basic 3, message 11, extended timestamp 4. */
const longestHeader = 18;
/** Room for the head of a cut header and for enough new bytes to finish it. */
const carryBytes = 64;
/** Bytes first set aside for a payload that is too long for a slab; it grows fourfold as data arrives. */
const firstLargeAllocation = 65_536;
/** Below this many bytes a loop copies faster than a view can be made. */
const loopCopyBytes = 24;
/** Bytes of the message header, by chunk format. */
const messageHeaderBytes = [11, 7, 3, 0] as const;

/** What is known of one chunk stream: its last header, and the message being received on it. */
class ChunkStreamState {
  readonly id: number;
  /** Timestamp of the current message as on the wire, modulo 2^32. */
  timestamp = 0;
  /** The last timestamp or delta field. */
  delta = 0;
  /** Whether that field was an extended one. */
  extended = false;
  length = 0;
  type = 0;
  streamId = 0;
  /** Whether a message has been started and isn't complete. */
  unfinished = false;
  received = 0;
  /** Memory of the unfinished message; shorter than `length` while a long message grows. */
  buffer: Uint8Array | undefined = undefined;

  constructor(id: number) {
    this.id = id;
  }
}

/**
 * Puts the chunks of one direction of an RTMP connection together again (Adobe RTMP 1.0, 5.3).
 *
 * It parses in the buffer it is given and copies each payload byte once, into memory of the message's own that
 * is never changed afterwards. Set Chunk Size and Abort are obeyed here, and handed on like all messages.
 * Timestamps keep growing where the wire wraps, see {@link TimestampUnwrapper}.
 */
export class ChunkReader {
  readonly #limits: ChunkLimits;
  readonly #onMessage: (message: RtmpMessage) => void;
  readonly #lendsMedia: boolean;
  /** Chunk streams below 64 by id: all that real peers use. */
  readonly #nearStreams: (ChunkStreamState | undefined)[] = [];
  readonly #farStreams = new Map<number, ChunkStreamState>();
  readonly #slab = new PayloadSlab();
  readonly #timestamps = new TimestampUnwrapper();
  readonly #carry = new Uint8Array(carryBytes);
  #carryLength = 0;
  #streamCount = 0;
  #pendingBytes = 0;
  #chunkSize = defaultChunkSize;
  /** The chunk stream whose chunk is being read, and how much of that chunk's payload is still to come. */
  #current: ChunkStreamState | undefined;
  #chunkRemaining = 0;

  constructor(options: ChunkReaderOptions) {
    this.#limits = wholeChunkLimits(options.limits);
    this.#onMessage = options.onMessage;
    this.#lendsMedia = options.lendsMedia ?? false;
  }

  /** The peer's chunk size in bytes, 1..2^31-1; it starts at 128. */
  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** Memory held for unfinished messages, in bytes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes the next bytes of the connection, however they are cut.
   *
   * @param bytes used during the call only
   * @throws RtmpError `chunk-start`, `packet-size`, `chunk-size`, `bad-message`, `message-too-large`,
   *   `too-many-chunk-streams` or `pending-limit`; the connection can't go on then
   */
  write(bytes: Uint8Array): void {
    let offset = 0;
    if (this.#carryLength > 0) {
      offset = this.#writeCarried(bytes);
    }
    const end = bytes.length;
    while (offset < end) {
      if (this.#chunkRemaining > 0) {
        offset = this.#readPayload(bytes, offset, end);
        continue;
      }
      const next = this.#readHeader(bytes, offset, end);
      if (next === incomplete) {
        for (let index = offset; index < end; index += 1) {
          this.#carry[index - offset] = bytes[index] ?? 0;
        }
        this.#carryLength = end - offset;
        return;
      }
      offset = next;
    }
  }

  /**
   * Goes on with a header whose head came with an earlier write. The carried bytes may hold more than that
   * header: when they looked like a repeated extended timestamp and turn out to be payload.
   *
   * @returns how many of `bytes` are used up
   */
  #writeCarried(bytes: Uint8Array): number {
    const carry = this.#carry;
    const carried = this.#carryLength;
    const added = Math.min(longestHeader, bytes.length);
    for (let index = 0; index < added; index += 1) {
      carry[carried + index] = bytes[index] ?? 0;
    }
    const end = carried + added;
    let offset = 0;
    while (offset < carried) {
      if (this.#chunkRemaining > 0) {
        offset = this.#readPayload(carry, offset, carried);
        continue;
      }
      const next = this.#readHeader(carry, offset, end);
      if (next === incomplete) {
        carry.copyWithin(0, offset, end);
        this.#carryLength = end - offset;
        return bytes.length;
      }
      offset = next;
    }
    this.#carryLength = 0;
    return offset - carried;
  }

  /** Reads one chunk header. Returns the offset behind it, or {@link incomplete} and changes nothing. */
  #readHeader(bytes: Uint8Array, start: number, end: number): number {
    let offset = start + 1;
    const first = bytes[start] ?? 0;
    const format = first >> 6;
    let id = first & 0x3f;
    if (id < 2) {
      if (offset + id + 1 > end) {
        return incomplete;
      }
      const low = bytes[offset] ?? 0;
      const high = id === 0 ? 0 : (bytes[offset + 1] ?? 0);
      offset += id + 1;
      id = 64 + low + high * 256;
    }
    let stream = id < 64 ? this.#nearStreams[id] : this.#farStreams.get(id);
    if (format === 3) {
      if (stream === undefined) {
        throw new RtmpError('chunk-start', `chunk stream ${id} starts with a type-3 header`);
      }
      return this.#readShortHeader(stream, bytes, offset, end);
    }
    // Types 1 and 2 on a fresh chunk stream are taken: what they leave out is 0.
    const fields = offset;
    offset += messageHeaderBytes[format] ?? 0;
    if (offset > end) {
      return incomplete;
    }
    let time = readUint24(bytes, fields);
    const extended = time === extendedMark;
    if (extended) {
      if (offset + 4 > end) {
        return incomplete;
      }
      time = readUint32(bytes, offset);
      offset += 4;
    }
    stream ??= this.#addStream(id);
    if (stream.unfinished) {
      this.#checkRestart(stream, format, bytes, fields);
      stream.extended = extended;
      stream.delta = time;
      this.#startChunk(stream);
      return offset;
    }
    stream.timestamp = format === 0 ? time : (stream.timestamp + time) >>> 0;
    stream.delta = time;
    stream.extended = extended;
    if (format !== 2) {
      stream.length = readUint24(bytes, fields + 3);
      stream.type = bytes[fields + 6] ?? 0;
    }
    if (format === 0) {
      stream.streamId = readUint32LittleEndian(bytes, fields + 7);
    }
    this.#startMessage(stream);
    return offset;
  }

  /**
   * A type-3 header: goes on with a message, or starts one that is like the last. After an extended timestamp
   * most peers repeat its 4 bytes in every type-3 chunk, some (librtmp) don't: they are skipped only where they
   * are really there (Adobe RTMP 1.0, 5.3.1.3), which mostly shows in the first byte.
   */
  #readShortHeader(stream: ChunkStreamState, bytes: Uint8Array, start: number, end: number): number {
    let offset = start;
    if (stream.extended) {
      const asField = matchUint32(bytes, start, end, stream.delta);
      const asTimestamp = stream.unfinished ? matchUint32(bytes, start, end, stream.timestamp) : 0;
      if (asField === 4 || asTimestamp === 4) {
        offset += 4;
      } else if (asField === incomplete || asTimestamp === incomplete) {
        return incomplete;
      }
    }
    if (stream.unfinished) {
      this.#startChunk(stream);
    } else {
      stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
      this.#startMessage(stream);
    }
    return offset;
  }

  /** A header other than type 3 in the middle of a message is accepted only if it changes nothing. */
  #checkRestart(stream: ChunkStreamState, format: number, bytes: Uint8Array, fields: number): void {
    if (format === 0) {
      throw new RtmpError(
        'chunk-start',
        `type-0 header on chunk stream ${stream.id} with ${stream.received} of ${stream.length} message bytes read`,
      );
    }
    const length = format === 1 ? readUint24(bytes, fields + 3) : stream.length;
    if (length !== stream.length) {
      throw new RtmpError(
        'packet-size',
        `header on chunk stream ${stream.id} changes the length of an unfinished message from ${stream.length} to ${length}`,
      );
    }
  }

  #addStream(id: number): ChunkStreamState {
    if (this.#streamCount >= this.#limits.maxChunkStreams) {
      throw new RtmpError(
        'too-many-chunk-streams',
        `chunk stream ${id} would be number ${this.#streamCount + 1}, at most ${this.#limits.maxChunkStreams} are allowed`,
      );
    }
    this.#streamCount += 1;
    const stream = new ChunkStreamState(id);
    if (id < 64) {
      this.#nearStreams[id] = stream;
    } else {
      this.#farStreams.set(id, stream);
    }
    return stream;
  }

  #startMessage(stream: ChunkStreamState): void {
    if (stream.length > this.#limits.maxMessageBytes) {
      throw new RtmpError(
        'message-too-large',
        `message of ${stream.length} bytes, at most ${this.#limits.maxMessageBytes} are allowed`,
      );
    }
    stream.received = 0;
    if (stream.length === 0) {
      this.#finishMessage(stream, new Uint8Array(0));
      return;
    }
    stream.unfinished = true;
    this.#startChunk(stream);
  }

  #startChunk(stream: ChunkStreamState): void {
    const left = stream.length - stream.received;
    this.#current = stream;
    this.#chunkRemaining = left < this.#chunkSize ? left : this.#chunkSize;
  }

  /** Takes what there is of the current chunk's payload. Returns the offset behind it. */
  #readPayload(bytes: Uint8Array, offset: number, end: number): number {
    const stream = this.#current;
    if (stream === undefined) {
      return end;
    }
    const available = end - offset;
    const count = available < this.#chunkRemaining ? available : this.#chunkRemaining;
    this.#chunkRemaining -= count;
    if (count === stream.length) {
      this.#finishMessage(stream, this.#wholePayload(stream.type, bytes, offset, count));
      return offset + count;
    }
    const received = stream.received + count;
    const buffer = this.#bufferFor(stream, received);
    copyBytes(buffer, stream.received, bytes, offset, count);
    stream.received = received;
    if (received === stream.length) {
      this.#pendingBytes -= buffer.length;
      stream.buffer = undefined;
      this.#finishMessage(stream, buffer);
    }
    return offset + count;
  }

  #wholePayload(type: number, bytes: Uint8Array, offset: number, count: number): Uint8Array {
    if (this.#lendsMedia && isMediaType(type)) {
      return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, count);
    }
    const payload = this.#allocate(type, count);
    copyBytes(payload, 0, bytes, offset, count);
    return payload;
  }

  /** Memory of the unfinished message with room for `needed` bytes: all of it at once unless it is long. */
  #bufferFor(stream: ChunkStreamState, needed: number): Uint8Array {
    const old = stream.buffer;
    if (old !== undefined && needed <= old.length) {
      return old;
    }
    const wanted = Math.max(needed, old === undefined ? firstLargeAllocation : old.length * 4);
    const size = Math.min(stream.length, wanted);
    const pending = this.#pendingBytes + size - (old?.length ?? 0);
    if (pending > this.#limits.maxPendingBytes) {
      throw new RtmpError(
        'pending-limit',
        `unfinished messages need ${pending} bytes, at most ${this.#limits.maxPendingBytes} are allowed`,
      );
    }
    this.#pendingBytes = pending;
    const buffer = this.#allocate(stream.type, size);
    if (old !== undefined) {
      buffer.set(old);
    }
    stream.buffer = buffer;
    return buffer;
  }

  /** Only media come in numbers; a player's few commands shall not cost it a slab. */
  #allocate(type: number, length: number): Uint8Array {
    return isMediaType(type) && length <= largestSlabPayload
      ? this.#slab.allocate(length)
      : new Uint8Array(length);
  }

  #finishMessage(stream: ChunkStreamState, payload: Uint8Array): void {
    stream.unfinished = false;
    const type = stream.type;
    if (type === messageType.setChunkSize) {
      this.#setChunkSize(payload);
    } else if (type === messageType.abort) {
      this.#abort(payload);
    }
    this.#onMessage({
      chunkStreamId: stream.id,
      type,
      streamId: stream.streamId,
      timestamp: this.#timestamps.unwrap(stream.timestamp, isMediaType(type)),
      payload,
    });
  }

  /**
   * Any size that the field can hold is accepted (Adobe RTMP 1.0, 5.4.1): memory follows the messages, not the
   * chunks.
   */
  #setChunkSize(payload: Uint8Array): void {
    if (payload.length === 0) {
      return;
    }
    const size = readControlUint32(payload, 'Set Chunk Size');
    if (size < 1 || size > 0x7fff_ffff) {
      throw new RtmpError('chunk-size', `chunk size must be 1..2147483647, got ${size}`);
    }
    this.#chunkSize = size;
  }

  #abort(payload: Uint8Array): void {
    if (payload.length === 0) {
      return;
    }
    const id = readControlUint32(payload, 'Abort');
    const stream = id < 64 ? this.#nearStreams[id] : this.#farStreams.get(id);
    if (stream?.unfinished === true) {
      this.#pendingBytes -= stream.buffer?.length ?? 0;
      stream.buffer = undefined;
      stream.unfinished = false;
      stream.received = 0;
    }
  }
}

function isMediaType(type: number): boolean {
  return type === messageType.audio || type === messageType.video || type === messageType.aggregate;
}

function readControlUint32(payload: Uint8Array, name: string): number {
  if (payload.length < 4) {
    throw new RtmpError('bad-message', `${name} needs 4 bytes, got ${payload.length}`);
  }
  return readUint32(payload, 0);
}

function readUint24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return ((readUint24(bytes, offset) << 8) | (bytes[offset + 3] ?? 0)) >>> 0;
}

function readUint32LittleEndian(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}

/**
 * 4 when `value` stands at `offset`, 0 when it doesn't, {@link incomplete} when too few bytes are there to tell.
 */
function matchUint32(bytes: Uint8Array, offset: number, end: number, value: number): number {
  for (let index = 0; index < 4; index += 1) {
    if (offset + index >= end) {
      return incomplete;
    }
    if (bytes[offset + index] !== ((value >>> (24 - 8 * index)) & 0xff)) {
      return 0;
    }
  }
  return 4;
}

function copyBytes(
  target: Uint8Array,
  targetOffset: number,
  source: Uint8Array,
  start: number,
  count: number,
): void {
  if (count <= loopCopyBytes) {
    for (let index = 0; index < count; index += 1) {
      target[targetOffset + index] = source[start + index] ?? 0;
    }
    return;
  }
  target.set(new Uint8Array(source.buffer, source.byteOffset + start, count), targetOffset);
}
