/** The chunk size that load clients send with unless told otherwise, bytes: that of ffmpeg. */
export const DEFAULT_CHUNK_SIZE = 60_000;

/** Chunk streams of what load clients send. */
export const ChunkStreamId = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;
export type ChunkStreamId = (typeof ChunkStreamId)[keyof typeof ChunkStreamId];

/** RTMP message types that load clients send or answer. */
export const MessageType = {
  setChunkSize: 1,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  audio: 8,
  video: 9,
  data: 18,
  command: 20,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Where a message goes; see {@link encodeFullMessage}. */
export interface FullMessage {
  readonly chunkStreamId: ChunkStreamId;
  readonly type: MessageType;
  readonly streamId: number;
  /** ms, 0 to 0xFFFFFE. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/**
 * One message in chunks of `chunkSize` bytes, the first with a type-0 header (RTMP 1.0, 5.3.1.2.1).
 * @param chunkSize what the peer was told to read with
 * @returns fresh bytes
 */
export function encodeFullMessage(message: FullMessage, chunkSize: number = DEFAULT_CHUNK_SIZE): Uint8Array {
  const { payload } = message;
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, ((message.chunkStreamId << 24) | message.timestamp) >>> 0);
  view.setUint32(4, ((payload.length << 8) | message.type) >>> 0);
  view.setUint32(8, message.streamId, true);
  return inChunks(header, payload, message.chunkStreamId, chunkSize);
}

/**
 * One message whose first chunk has a type-1 header: a timestamp delta and no stream id (RTMP 1.0, 5.3.1.2.2),
 * so that the bytes fit every connection that has sent a type-0 header on this chunk stream.
 * @param delta ms since the chunk stream's message before, 0 to 0xFFFFFE
 * @param chunkSize what the peer was told to read with
 * @returns fresh bytes
 */
export function encodeDeltaMessage(
  chunkStreamId: ChunkStreamId,
  type: MessageType,
  delta: number,
  payload: Uint8Array,
  chunkSize: number = DEFAULT_CHUNK_SIZE,
): Uint8Array {
  const header = new Uint8Array(DELTA_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, (((0x40 | chunkStreamId) << 24) | delta) >>> 0);
  view.setUint32(4, ((payload.length << 8) | type) >>> 0);
  return inChunks(header, payload, chunkStreamId, chunkSize);
}

/** Bytes before the payload in what {@link encodeDeltaMessage} returns. */
export const DELTA_HEADER_BYTES = 8;

function inChunks(header: Uint8Array, payload: Uint8Array, id: ChunkStreamId, chunkSize: number): Uint8Array {
  const further = payload.length === 0 ? 0 : Math.ceil(payload.length / chunkSize) - 1;
  const result = new Uint8Array(header.length + payload.length + further);
  result.set(header);
  let offset = header.length;
  for (let start = 0; start < payload.length; start += chunkSize) {
    if (start > 0) result[offset++] = 0xc0 | id;
    const part = payload.subarray(start, start + chunkSize);
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}
