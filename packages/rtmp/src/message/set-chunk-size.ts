import { decodeBody, encodeUint32 } from './decoding.ts';

/** How long the sender's chunks are from now on (Adobe RTMP 1.0, 5.4.1). */
export interface SetChunkSize {
  /** Bytes, 1..2^31-1 by the book; not checked here. */
  readonly chunkSize: number;
}

/**
 * Reads the body of Set Chunk Size.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeSetChunkSize(payload: Uint8Array): SetChunkSize {
  return decodeBody('Set Chunk Size', payload, (reader) => ({ chunkSize: reader.u32() }));
}

/** Builds the body of Set Chunk Size. */
export function encodeSetChunkSize(message: SetChunkSize): Uint8Array {
  return encodeUint32(message.chunkSize);
}
