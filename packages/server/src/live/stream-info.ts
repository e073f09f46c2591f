import type { AudioCodec, AudioTrack, VideoCodec, VideoTrack } from '@sluice/media/model';

/** What is known of a stream's video. */
export interface VideoInfo {
  readonly codec: VideoCodec;
  /** The codec's own profile number (H.264 profile_idc, HEVC general_profile_idc, AV1 seq_profile). */
  readonly profile?: number;
  /** The codec's own level number (H.264 level_idc, HEVC general_level_idc, AV1 seq_level_idx). */
  readonly level?: number;
  /** Pixels shown. */
  readonly width?: number;
  readonly height?: number;
}

/** What is known of a stream's audio. */
export interface AudioInfo {
  readonly codec: AudioCodec;
  /** Hz. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** AAC: the MPEG-4 audio object type. */
  readonly profile?: number;
}

/** What a track says of itself. */
export function videoInfo({ codec, configuration, width, height }: VideoTrack): VideoInfo {
  return {
    codec,
    ...(configuration?.profile === undefined ? {} : { profile: configuration.profile }),
    ...(configuration?.level === undefined ? {} : { level: configuration.level }),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  };
}

/** What a track says of itself. */
export function audioInfo({ codec, configuration, sampleRate, channels }: AudioTrack): AudioInfo {
  return {
    codec,
    ...(configuration?.profile === undefined ? {} : { profile: configuration.profile }),
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
  };
}
