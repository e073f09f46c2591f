import { FlvTagType, parseAudioTagHeader, parseVideoTagHeader } from '@sluice/media/flv';
import type { MediaMessage } from '@sluice/rtmp';

import { clockText } from '../publish.ts';

/** What a media message is to who counts. */
export type MediaRole = 'video' | 'keyframe' | 'audio' | 'header' | 'data';

/** Tells a frame from what goes before the frames. */
export function mediaRole(type: FlvTagType, payload: Uint8Array): MediaRole {
  if (type === FlvTagType.video) {
    const header = parseVideoTagHeader(payload);
    const isFrame = header?.packetType === 'coded-frames' || header?.packetType === 'multitrack';
    if (!isFrame) return 'header';
    return header.keyframe ? 'keyframe' : 'video';
  }
  if (type !== FlvTagType.audio) return 'data';
  const packetType = parseAudioTagHeader(payload)?.packetType;
  return packetType === 'raw' || packetType === 'multitrack' ? 'audio' : 'header';
}

/** Counts what goes through. */
export class MediaCount {
  videoFrames = 0;
  audioFrames = 0;
  /** Bytes of all bodies. */
  bytes = 0;
  /** Time on the stream's clock since the first frame, ms. */
  mediaMs = 0;
  #first: number | undefined;

  /** Returns the message's role. */
  add(message: MediaMessage): MediaRole {
    const role = mediaRole(message.flvTagType, message.payload);
    this.bytes += message.payload.length;
    if (role === 'data' || role === 'header') return role;
    this.#first ??= message.timestamp;
    this.mediaMs = Math.max(this.mediaMs, message.timestamp - this.#first);
    if (role === 'audio') this.audioFrames += 1;
    else this.videoFrames += 1;
    return role;
  }

  /** Whether anything came that can be seen or heard. */
  get some(): boolean {
    return this.videoFrames + this.audioFrames > 0;
  }

  /** In words. */
  text(elapsedMs: number): string {
    const { videoFrames, audioFrames, bytes, mediaMs } = this;
    const kbps = kbpsOf(bytes, elapsedMs);
    return [
      `${clockText(mediaMs)} of media in ${clockText(elapsedMs)}`,
      `${videoFrames} video and ${audioFrames} audio frames`,
      `${bytes} bytes, ${kbps} kbps`,
    ].join('; ');
  }
}

/** Kbit/s, rounded. */
export function kbpsOf(bytes: number, ms: number): number {
  return Math.round((bytes * 8) / Math.max(1, ms));
}
