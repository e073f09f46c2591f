import { decodeBody, encodeUint32 } from './decoding.ts';

/** The sender drops the message it has begun on a chunk stream (Adobe RTMP 1.0, 5.4.2). */
export interface Abort {
  /** The chunk stream whose unfinished message is dropped. */
  readonly chunkStreamId: number;
}

/**
 * Reads the body of Abort.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeAbort(payload: Uint8Array): Abort {
  return decodeBody('Abort', payload, (reader) => ({ chunkStreamId: reader.u32() }));
}

/** Builds the body of Abort. */
export function encodeAbort(message: Abort): Uint8Array {
  return encodeUint32(message.chunkStreamId);
}
