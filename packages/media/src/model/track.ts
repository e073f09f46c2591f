import type { AudioCodec, Codec, DataCodec, VideoCodec } from './codec.ts';
import type { DecoderConfiguration } from './decoder-configuration.ts';

/** What a track carries. */
export type TrackKind = 'video' | 'audio' | 'data';

interface TrackProperties {
  /** Tells tracks of one kind of one stream apart, 0..255. */
  readonly id: number;
  /** Ticks a second of the track's times: 1000 where it came as FLV. A positive integer. */
  readonly timescale: number;
  /** The first track of its kind: what outputs of one track a kind carry. */
  readonly primary: boolean;
  /** BCP 47, as in `en-GB`; undefined where nobody says. */
  readonly language: string | undefined;
  /** For people; undefined where nobody says. */
  readonly title: string | undefined;
}

/** A track of video. */
export interface VideoTrack extends TrackProperties {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** The configuration that holds; undefined before it came, and for codecs that have none. */
  readonly configuration: DecoderConfiguration | undefined;
  /** Pixels shown; undefined while not known. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** A track of audio. */
export interface AudioTrack extends TrackProperties {
  readonly kind: 'audio';
  readonly codec: AudioCodec;
  /** The configuration that holds; undefined before it came, and for codecs that have none. */
  readonly configuration: DecoderConfiguration | undefined;
  /** Hz; undefined while not known. */
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
}

/** A track of data: metadata, captions, cue points. */
export interface DataTrack extends TrackProperties {
  readonly kind: 'data';
  readonly codec: DataCodec;
  readonly configuration: undefined;
}

/**
 * A track of a stream, as it is from some packet on. It is never changed: another configuration makes another object,
 * so a packet's track says how that packet is decoded. {@link isSameTrack} tells whether two are of one track.
 */
export type Track = VideoTrack | AudioTrack | DataTrack;

/** What makes a track; what is left out is not known. */
export interface TrackOptions {
  /** Default 0. */
  readonly id?: number;
  /** Default 1000. */
  readonly timescale?: number;
  /** Default true. */
  readonly primary?: boolean;
  readonly configuration?: DecoderConfiguration | undefined;
  readonly language?: string | undefined;
  readonly title?: string | undefined;
  /** Of video, pixels. Default: what the configuration says. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Of audio, Hz. Default: what the configuration says. */
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
}

/** Makes a track of video. */
export function createVideoTrack(codec: VideoCodec, options: TrackOptions = {}): VideoTrack {
  const { configuration } = options;
  return {
    kind: 'video',
    codec,
    ...propertiesOf(options),
    configuration,
    width: options.width ?? configuration?.width,
    height: options.height ?? configuration?.height,
  };
}

/** Makes a track of audio. */
export function createAudioTrack(codec: AudioCodec, options: TrackOptions = {}): AudioTrack {
  const { configuration } = options;
  return {
    kind: 'audio',
    codec,
    ...propertiesOf(options),
    configuration,
    sampleRate: options.sampleRate ?? configuration?.sampleRate,
    channels: options.channels ?? configuration?.channels,
  };
}

/** Makes a track of data. */
export function createDataTrack(codec: DataCodec = 'amf0', options: TrackOptions = {}): DataTrack {
  return { kind: 'data', codec, ...propertiesOf(options), configuration: undefined };
}

/** Codecs whose configuration says the size, or the rate and channels. */
const DESCRIBED: ReadonlySet<Codec> = new Set(['h264', 'hevc', 'av1', 'aac', 'opus']);

/**
 * The same track with another configuration. What the configuration says of size or sound replaces what was known; one
 * of a codec whose configuration says nothing of it leaves it.
 */
export function withConfiguration<T extends VideoTrack | AudioTrack>(
  track: T,
  configuration: DecoderConfiguration | undefined,
): T {
  if (!DESCRIBED.has(track.codec)) return { ...track, configuration };
  const said =
    track.kind === 'video'
      ? { width: configuration?.width, height: configuration?.height }
      : { sampleRate: configuration?.sampleRate, channels: configuration?.channels };
  return { ...track, ...said, configuration };
}

/** Whether two are of one track of a stream, whatever their codec or configuration. */
export function isSameTrack(a: Track, b: Track): boolean {
  return a.kind === b.kind && a.id === b.id;
}

/** The codec as MIME types name it (RFC 6381), such as `avc1.64001f`; undefined where that is not known. */
export function codecString({ codec, configuration }: Track): string | undefined {
  return configuration?.codecString ?? CODEC_STRINGS[codec];
}

/** Names of codecs that need no configuration for them; MP3 as MPEG-4 and MPEG-2 TS name it. */
const CODEC_STRINGS: Partial<Record<Codec, string>> = {
  mp3: 'mp4a.40.34',
  opus: 'opus',
  flac: 'flac',
  ac3: 'ac-3',
  eac3: 'ec-3',
  vp8: 'vp8',
};

function propertiesOf(options: TrackOptions): TrackProperties {
  const { id = 0, timescale = 1000, primary = true, language, title } = options;
  return { id, timescale, primary, language, title };
}
