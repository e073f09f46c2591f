import { messageType } from './types.ts';
import type { RtmpMessage } from './types.ts';

/** A video message (Adobe RTMP 1.0, 7.1.5). */
export interface VideoMessage {
  /** ms, decoding time. */
  readonly timestamp: number;
  /** An FLV VIDEODATA body, Enhanced RTMP included, as `@sluice/media/flv` reads it. Shared, not copied. */
  readonly body: Uint8Array;
}

/** Reads a video message: its payload is the body itself. */
export function decodeVideo(message: RtmpMessage): VideoMessage {
  return { timestamp: message.timestamp, body: message.payload };
}

/** Builds a video message. */
export function encodeVideo(video: VideoMessage, chunkStreamId: number, streamId: number): RtmpMessage {
  return {
    chunkStreamId,
    type: messageType.video,
    streamId,
    timestamp: video.timestamp,
    payload: video.body,
  };
}
