import type { Packet, Track } from '@sluice/media/model';
import { type Mp4StreamTrack, mp4TrackOf } from '@sluice/media/remux';

/** The track numbers of our files. */
export const VIDEO_TRACK = 1;
export const AUDIO_TRACK = 2;

/** A track of a file, as its configuration or first packet makes it. */
export type RecordedTrack = Mp4StreamTrack;

/** Whether an MP4 file can hold a codec. */
export function fitsMp4(codec: Track['codec']): boolean {
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
 * The track that a packet begins: that of a configuration, or of a frame of MP3.
 *
 * @returns undefined for a codec that MP4 can't hold, and for a frame of one that needs a configuration first
 */
export function trackOf(packet: Packet): RecordedTrack | undefined {
  return mp4TrackOf(packet.track.kind === 'video' ? VIDEO_TRACK : AUDIO_TRACK, packet);
}
