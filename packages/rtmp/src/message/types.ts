/** Type ids of RTMP messages (Adobe RTMP 1.0, 5.4 and 7.1). */
export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  dataAmf0: 18,
  sharedObjectAmf0: 19,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** A type id that the specification names. */
export type MessageType = (typeof messageType)[keyof typeof messageType];

/** One RTMP message, as the chunk layer carries it. */
export interface RtmpMessage {
  /** 2..65599. */
  readonly chunkStreamId: number;
  /** Type id, 0..255; unknown ones are carried too. */
  readonly type: number;
  /** Message stream id; 0 is the connection itself. */
  readonly streamId: number;
  /** ms. Read: see `ChunkReader`. Written: modulo 2^32. */
  readonly timestamp: number;
  /** The body. A message that was read owns it: it is never changed afterwards. */
  readonly payload: Uint8Array;
}
