import {
  AmfEcmaArray,
  AmfObject,
  type AmfLimits,
  type AmfValue,
  decodeAmf0,
  encodeAmf0,
} from '../amf/index.ts';
import type { AudioCodec, VideoCodec } from '../model/index.ts';
import { audioCodecOfFourCC, audioCodecOfSoundFormat, audioFourCC, soundFormatOf } from './audio-codec.ts';
import { fourCCToNumber } from './fourcc.ts';
import { videoCodecId, videoCodecOfFourCC, videoCodecOfId, videoFourCC } from './video-codec.ts';

/** What onMetaData says in fields that all encoders share (FLV 10.1 E.5); undefined where not said. */
export interface FlvMetadataFacts {
  /** width, pixels. */
  readonly width?: number | undefined;
  /** height, pixels. */
  readonly height?: number | undefined;
  /** framerate, frames a second. */
  readonly frameRate?: number | undefined;
  /** videocodecid: a codec id, or a FourCC as text or number. */
  readonly videoCodec?: VideoCodec | undefined;
  /** audiocodecid: a sound format, or a FourCC as text or number. */
  readonly audioCodec?: AudioCodec | undefined;
  /** videodatarate, kbit/s. */
  readonly videoDataRate?: number | undefined;
  /** audiodatarate, kbit/s. */
  readonly audioDataRate?: number | undefined;
  /** audiosamplerate, Hz. */
  readonly audioSampleRate?: number | undefined;
  /** audiosamplesize, bits. */
  readonly audioSampleSize?: number | undefined;
  /** stereo. */
  readonly stereo?: boolean | undefined;
  /** audiochannels, which some encoders say as well. */
  readonly audioChannels?: number | undefined;
  /** duration, seconds. */
  readonly duration?: number | undefined;
  /** filesize, bytes. */
  readonly fileSize?: number | undefined;
  /** encoder. */
  readonly encoder?: string | undefined;
}

/** The metadata of a stream or file. */
export interface FlvMetadata extends FlvMetadataFacts {
  /** Everything that was said, facts included, in the order of the wire. */
  readonly properties: AmfEcmaArray;
}

/** The name of the metadata message. */
export const ON_META_DATA = 'onMetaData';
/** What a publisher puts in front so that the server keeps the metadata for later players. */
export const SET_DATA_FRAME = '@setDataFrame';

/** Properties that are numbers as they stand. */
const NUMBER_NAMES = {
  width: 'width',
  height: 'height',
  frameRate: 'framerate',
  videoDataRate: 'videodatarate',
  audioDataRate: 'audiodatarate',
  audioSampleRate: 'audiosamplerate',
  audioSampleSize: 'audiosamplesize',
  audioChannels: 'audiochannels',
  duration: 'duration',
  fileSize: 'filesize',
} as const satisfies Partial<Record<keyof FlvMetadataFacts, string>>;

const HIGHEST_LEGACY_ID = 15;

/**
 * Reads the body of a script tag, or of an RTMP data message in AMF 0 (FLV 10.1, E.5): `onMetaData` with or
 * without `@setDataFrame` in front, the value an object or an ECMA array.
 *
 * @returns undefined when the message is not metadata (onCuePoint, onTextData, …).
 * @throws MediaError when the bytes are no AMF 0 or go over the limits.
 */
export function parseFlvMetadata(body: Uint8Array, limits?: Partial<AmfLimits>): FlvMetadata | undefined {
  const values = decodeAmf0(body, limits);
  const name = values[0] === SET_DATA_FRAME ? 1 : 0;
  if (values[name] !== ON_META_DATA) return undefined;
  const value = values[name + 1];
  if (value instanceof AmfEcmaArray) return flvMetadataOf(value);
  return flvMetadataOf(new AmfEcmaArray(value instanceof AmfObject ? value : []));
}

/** The facts that these properties say; the properties themselves are shared, not copied. */
export function flvMetadataOf(properties: AmfEcmaArray): FlvMetadata {
  const number = (name: string): number | undefined => finiteNumber(properties.get(name));
  const stereo = properties.get('stereo');
  const encoder = properties.get('encoder');
  return {
    width: number(NUMBER_NAMES.width),
    height: number(NUMBER_NAMES.height),
    frameRate: number(NUMBER_NAMES.frameRate),
    videoCodec: videoCodecOfProperty(properties.get('videocodecid')),
    audioCodec: audioCodecOfProperty(properties.get('audiocodecid')),
    videoDataRate: number(NUMBER_NAMES.videoDataRate),
    audioDataRate: number(NUMBER_NAMES.audioDataRate),
    audioSampleRate: number(NUMBER_NAMES.audioSampleRate),
    audioSampleSize: number(NUMBER_NAMES.audioSampleSize),
    stereo: typeof stereo === 'boolean' ? stereo : undefined,
    audioChannels: number(NUMBER_NAMES.audioChannels),
    duration: number(NUMBER_NAMES.duration),
    fileSize: number(NUMBER_NAMES.fileSize),
    encoder: typeof encoder === 'string' ? encoder : undefined,
    properties,
  };
}

/**
 * Builds the body of a script tag or of an RTMP data message: `onMetaData` and an ECMA array of the properties,
 * with the facts that are given set over them.
 *
 * @param options `setDataFrame`: put `@setDataFrame` in front, as a publisher does. Default false.
 * @returns new bytes.
 */
export function buildFlvMetadata(
  metadata: FlvMetadataFacts & { readonly properties?: ReadonlyMap<string, AmfValue> | undefined },
  options: { readonly setDataFrame?: boolean } = {},
): Uint8Array {
  const properties = new AmfEcmaArray(metadata.properties ?? []);
  for (const [field, name] of Object.entries(NUMBER_NAMES)) {
    const value = metadata[field as keyof typeof NUMBER_NAMES];
    if (value !== undefined) properties.set(name, value);
  }
  const { videoCodec, audioCodec, stereo, encoder } = metadata;
  // A codec that the properties say already stays in the form that they have.
  if (videoCodec !== undefined && videoCodec !== videoCodecOfProperty(properties.get('videocodecid'))) {
    setOrDelete(properties, 'videocodecid', videoCodecProperty(videoCodec));
  }
  if (audioCodec !== undefined && audioCodec !== audioCodecOfProperty(properties.get('audiocodecid'))) {
    setOrDelete(properties, 'audiocodecid', audioCodecProperty(audioCodec));
  }
  if (stereo !== undefined) properties.set('stereo', stereo);
  if (encoder !== undefined) properties.set('encoder', encoder);
  const values: AmfValue[] = [ON_META_DATA, properties];
  return encodeAmf0(...(options.setDataFrame === true ? [SET_DATA_FRAME, ...values] : values));
}

function finiteNumber(value: AmfValue): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function videoCodecOfProperty(value: AmfValue): VideoCodec | undefined {
  if (typeof value === 'string')
    return value.length === 4 ? videoCodecOfFourCC(fourCCToNumber(value)) : 'unknown';
  if (typeof value !== 'number') return undefined;
  return value <= HIGHEST_LEGACY_ID ? videoCodecOfId(value) : videoCodecOfFourCC(value);
}

function audioCodecOfProperty(value: AmfValue): AudioCodec | undefined {
  if (typeof value === 'string')
    return value.length === 4 ? audioCodecOfFourCC(fourCCToNumber(value)) : 'unknown';
  if (typeof value !== 'number') return undefined;
  return value <= HIGHEST_LEGACY_ID ? audioCodecOfSoundFormat(value) : audioCodecOfFourCC(value);
}

/** Codecs of the FLV specification by their id, later ones by FourCC as Enhanced RTMP wants it. */
function videoCodecProperty(codec: VideoCodec): number | undefined {
  const fourCC = videoFourCC(codec);
  return codec === 'h264' || fourCC === undefined ? videoCodecId(codec) : fourCCToNumber(fourCC);
}

function audioCodecProperty(codec: AudioCodec): number | undefined {
  const fourCC = audioFourCC(codec);
  if (codec === 'unknown') return undefined;
  if (codec === 'aac' || codec === 'mp3' || fourCC === undefined) return soundFormatOf(codec, 44100);
  return fourCCToNumber(fourCC);
}

function setOrDelete(properties: AmfEcmaArray, name: string, value: number | undefined): void {
  if (value === undefined) properties.delete(name);
  else properties.set(name, value);
}
