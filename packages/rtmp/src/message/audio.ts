import { messageType } from './types.ts';
import type { RtmpMessage } from './types.ts';

/** An audio message (Adobe RTMP 1.0, 7.1.4). */
export interface AudioMessage {
  /** ms. */
  readonly timestamp: number;
  /** An FLV AUDIODATA body, as `@sluice/media/flv` reads it. Shared, not copied. */
  readonly body: Uint8Array;
}

/** Reads an audio message: its payload is the body itself. */
export function decodeAudio(message: RtmpMessage): AudioMessage {
  return { timestamp: message.timestamp, body: message.payload };
}

/** Builds an audio message. */
export function encodeAudio(audio: AudioMessage, chunkStreamId: number, streamId: number): RtmpMessage {
  return {
    chunkStreamId,
    type: messageType.audio,
    streamId,
    timestamp: audio.timestamp,
    payload: audio.body,
  };
}
