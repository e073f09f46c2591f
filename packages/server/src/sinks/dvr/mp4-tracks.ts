import { mp4AudioTrack, type Mp4TrackOfFlv, mp4VideoTrack } from '@sluice/media/remux';

import { type Frame, FrameKind } from '../../live/index.ts';

/** The track numbers of our files. */
export const VIDEO_TRACK = 1;
export const AUDIO_TRACK = 2;

/** A track of a file, as its sequence header or first frame makes it. */
export type RecordedTrack = Mp4TrackOfFlv;

/** Whether an MP4 file can hold the codec of a frame. */
export function fitsMp4({ codec }: Frame): boolean {
  switch (codec) {
    case 'h264':
    case 'hevc':
    case 'av1':
    case 'aac':
    case 'mp3':
    case 'opus':
      return true;
    default:
      return false;
  }
}

/**
 * The track that a sequence header, or a frame of MP3, begins.
 *
 * @returns undefined for a codec that MP4 can't hold, and for a frame of one that needs a sequence header first
 * @throws MediaError when the header can't be read
 */
export function trackOf({ kind, body }: Frame): RecordedTrack | undefined {
  return kind === FrameKind.video ? mp4VideoTrack(VIDEO_TRACK, body) : mp4AudioTrack(AUDIO_TRACK, body);
}
