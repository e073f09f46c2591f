import { aacOutputChannels, parseAudioSpecificConfig } from '../aac/index.ts';
import { findAv1SequenceHeader, parseAv1CodecConfiguration } from '../av1/index.ts';
import { parseAvcDecoderConfiguration, parseAvcSps } from '../avc/index.ts';
import { MediaError } from '../errors.ts';
import {
  hevcConfigurationUnits,
  HevcNalType,
  parseHevcDecoderConfiguration,
  parseHevcSps,
} from '../hevc/index.ts';
import { MP4_LIMITS } from './limits.ts';

/** Video codecs that this room writes and reads. */
export type Mp4VideoCodec = 'h264' | 'hevc' | 'av1';
/** Audio codecs that this room writes and reads. */
export type Mp4AudioCodec = 'aac' | 'mp3' | 'opus';

/** Ticks a second of a video track by default: milliseconds, the clock of FLV and RTMP. */
export const MP4_MILLISECOND_TIMESCALE = 1000;
/** Ticks a second in which movie durations and edit lists are written. */
export const MP4_MOVIE_TIMESCALE = 1000;
/** Opus in MP4 always counts at 48 kHz. */
export const MP4_OPUS_TIMESCALE = 48_000;

/** A video track to be written. */
export interface Mp4VideoTrackConfig {
  /** track_ID, 1 and up, no two the same. */
  readonly id: number;
  readonly codec: Mp4VideoCodec;
  /**
   * AVCDecoderConfigurationRecord, HEVCDecoderConfigurationRecord or AV1CodecConfigurationRecord: the body of an FLV
   * sequence header behind its first bytes. Borrowed until the bytes are built.
   */
  readonly configuration: Uint8Array;
  /** Ticks a second. Default {@link MP4_MILLISECOND_TIMESCALE}. */
  readonly timescale?: number | undefined;
  /** Pixels. Default: what the configuration says. */
  readonly width?: number | undefined;
  /** Pixels. Default: what the configuration says. */
  readonly height?: number | undefined;
}

/** An audio track to be written. */
export interface Mp4AudioTrackConfig {
  /** track_ID, 1 and up, no two the same. */
  readonly id: number;
  readonly codec: Mp4AudioCodec;
  /**
   * AAC: AudioSpecificConfig. Opus: the fields of `dOps`, which are those of an OpusHead behind its magic, with
   * numbers big-endian. MP3: nothing. Borrowed until the bytes are built.
   */
  readonly configuration?: Uint8Array | undefined;
  /** Ticks a second. Default: the sample rate; always 48,000 for Opus. */
  readonly timescale?: number | undefined;
  /** Hz. Default: what the configuration says; needed for MP3. */
  readonly sampleRate?: number | undefined;
  /** Default: what the configuration says, or 2. */
  readonly channels?: number | undefined;
}

export type Mp4TrackConfig = Mp4VideoTrackConfig | Mp4AudioTrackConfig;

/** A track to be written with all its facts, as {@link resolveTrack} makes it. */
export type ResolvedTrack = ResolvedVideoTrack | ResolvedAudioTrack;

export interface ResolvedVideoTrack {
  readonly kind: 'video';
  readonly id: number;
  readonly codec: Mp4VideoCodec;
  readonly configuration: Uint8Array;
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  /** Shape of a pixel when it is not square. */
  readonly pixelAspect: { readonly width: number; readonly height: number } | undefined;
}

export interface ResolvedAudioTrack {
  readonly kind: 'audio';
  readonly id: number;
  readonly codec: Mp4AudioCodec;
  readonly configuration: Uint8Array;
  readonly timescale: number;
  readonly sampleRate: number;
  readonly channels: number;
}

interface PictureFacts {
  readonly width: number;
  readonly height: number;
  readonly pixelAspect?: ResolvedVideoTrack['pixelAspect'];
}

const EMPTY = new Uint8Array(0);
/** Where the parameter sets are in the stream, the caller has to know the picture. */
const NO_PICTURE: PictureFacts = { width: 0, height: 0 };
const MAX_PICTURE_EDGE = 0xffff;

/** Whether a track to be written is video. */
export function isVideoTrack(track: Mp4TrackConfig): track is Mp4VideoTrackConfig {
  return track.codec === 'h264' || track.codec === 'hevc' || track.codec === 'av1';
}

/**
 * Checks tracks and fills in what their configurations say.
 *
 * @throws MediaError `bad-value` for no track, an id twice or a field outside its range, `limit-exceeded` for too many
 * tracks, and whatever the codec's parser throws.
 */
export function resolveTracks(tracks: readonly Mp4TrackConfig[]): ResolvedTrack[] {
  if (tracks.length === 0) throw new MediaError('bad-value', 'a movie needs a track, got none');
  if (tracks.length > MP4_LIMITS.tracks) {
    throw new MediaError('limit-exceeded', `${tracks.length} tracks, the limit is ${MP4_LIMITS.tracks}`);
  }
  const resolved = tracks.map(resolveTrack);
  const ids = new Set(resolved.map((track) => track.id));
  if (ids.size !== resolved.length) throw new MediaError('bad-value', 'two tracks have the same id');
  return resolved;
}

function resolveTrack(track: Mp4TrackConfig): ResolvedTrack {
  const configuration = track.configuration ?? EMPTY;
  if (configuration.length > MP4_LIMITS.configurationBytes) {
    throw new MediaError(
      'limit-exceeded',
      `a codec configuration of ${configuration.length} bytes, the limit is ${MP4_LIMITS.configurationBytes}`,
    );
  }
  const id = checked(track.id, 'track id', 0xffffffff);
  if (!isVideoTrack(track)) return resolveAudioTrack(track, id, configuration);
  const facts = pictureFacts(track.codec, configuration);
  return {
    kind: 'video',
    id,
    codec: track.codec,
    configuration,
    timescale: checked(track.timescale ?? MP4_MILLISECOND_TIMESCALE, 'timescale', 0xffffffff),
    width: checked(track.width ?? facts.width, 'width', MAX_PICTURE_EDGE),
    height: checked(track.height ?? facts.height, 'height', MAX_PICTURE_EDGE),
    pixelAspect: facts.pixelAspect,
  };
}

function resolveAudioTrack(
  track: Mp4AudioTrackConfig,
  id: number,
  configuration: Uint8Array,
): ResolvedAudioTrack {
  const facts = soundFacts(track.codec, configuration);
  const sampleRate = checked(track.sampleRate ?? facts.sampleRate, 'sample rate', 0xffffff);
  return {
    kind: 'audio',
    id,
    codec: track.codec,
    configuration,
    timescale: checked(
      track.codec === 'opus' ? MP4_OPUS_TIMESCALE : (track.timescale ?? sampleRate),
      'timescale',
      0xffffffff,
    ),
    sampleRate,
    channels: checked(track.channels ?? facts.channels, 'channels', 255),
  };
}

/** What a video configuration says of the picture. @throws MediaError as the codec's parsers. */
function pictureFacts(codec: Mp4VideoCodec, configuration: Uint8Array): PictureFacts {
  switch (codec) {
    case 'h264': {
      const sps = parseAvcDecoderConfiguration(configuration).sps[0];
      if (sps === undefined) return NO_PICTURE;
      const facts = parseAvcSps(sps);
      return { ...facts, pixelAspect: notSquare(facts.vui?.sampleAspectRatio) };
    }
    case 'hevc': {
      const record = parseHevcDecoderConfiguration(configuration);
      const sps = hevcConfigurationUnits(record, HevcNalType.sps)[0];
      if (sps === undefined) return NO_PICTURE;
      const facts = parseHevcSps(sps);
      return { ...facts, pixelAspect: notSquare(facts.vui?.sampleAspectRatio) };
    }
    case 'av1': {
      const header = findAv1SequenceHeader(parseAv1CodecConfiguration(configuration).configObus);
      return header ?? NO_PICTURE;
    }
  }
}

function notSquare(ratio: ResolvedVideoTrack['pixelAspect']): ResolvedVideoTrack['pixelAspect'] {
  if (ratio === undefined || ratio.width === ratio.height) return undefined;
  return ratio.width > 0 && ratio.height > 0 ? ratio : undefined;
}

/** What an audio configuration says; 0 Hz when it does not say. @throws MediaError as the codec's parser. */
function soundFacts(
  codec: Mp4AudioCodec,
  configuration: Uint8Array,
): { readonly sampleRate: number; readonly channels: number } {
  switch (codec) {
    case 'aac': {
      const config = parseAudioSpecificConfig(configuration);
      // The core codec's rate: samples of an HE-AAC frame are counted in it too.
      return { sampleRate: config.sampleRate, channels: aacOutputChannels(config) ?? 2 };
    }
    case 'mp3':
      return { sampleRate: 0, channels: 2 };
    case 'opus':
      return { sampleRate: MP4_OPUS_TIMESCALE, channels: configuration[1] ?? 0 };
  }
}

function checked(value: number, name: string, maximum: number): number {
  if (!(Number.isInteger(value) && value >= 1 && value <= maximum)) {
    throw new MediaError('bad-value', `${name} is ${value}, wanted 1..${maximum}`);
  }
  return value;
}
