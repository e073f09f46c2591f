import {
  aacCodecString,
  aacOutputChannels,
  aacOutputSampleRate,
  parseAudioSpecificConfig,
} from '../aac/index.ts';
import { av1CodecString, findAv1SequenceHeader, parseAv1CodecConfiguration } from '../av1/index.ts';
import { avcCodecString, parseAvcDecoderConfiguration, parseAvcSps } from '../avc/index.ts';
import { MediaError } from '../errors.ts';
import {
  hevcCodecString,
  hevcConfigurationUnits,
  HevcNalType,
  parseHevcDecoderConfiguration,
  parseHevcSps,
} from '../hevc/index.ts';
import type { AudioCodec, Codec, VideoCodec } from './codec.ts';

/** Parameter sets as raw NAL units; only HEVC has VPS. */
export interface ParameterSets {
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** What a decoder is set up with, and what it says of the media. It is never changed. */
export interface DecoderConfiguration {
  readonly codec: VideoCodec | AudioCodec;
  /**
   * The record as the codec's MP4 and FLV carry it: `AVCDecoderConfigurationRecord`, `HEVCDecoderConfigurationRecord`,
   * `AV1CodecConfigurationRecord`, `AudioSpecificConfig`, `OpusHead`. As it came: see {@link nalLengthSize}.
   */
  readonly record: Uint8Array;
  /** The codec as MIME types name it (RFC 6381); undefined where the record does not say. */
  readonly codecString: string | undefined;
  /** The codec's own number: profile_idc, general_profile_idc, seq_profile; of AAC the audio object type. */
  readonly profile: number | undefined;
  /** The codec's own number: level_idc, general_level_idc, seq_level_idx. */
  readonly level: number | undefined;
  /** Pixels shown. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** Hz, as decoded: twice that of the core where SBR is signalled. */
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
  /** Samples of each channel in a frame of AAC; undefined for other codecs. */
  readonly frameSamples: number | undefined;
  /** Bytes of the lengths in front of NAL units where the stream came from: 1, 2 or 4; undefined for other codecs. */
  readonly nalLengthSize: 1 | 2 | 4 | undefined;
  /** Views of the record; undefined for codecs without NAL units. */
  readonly parameterSets: ParameterSets | undefined;
  /** Whether a decoder can be set up with it; false when the record can't be read. */
  readonly readable: boolean;
  /** What is wrong with it, in a sentence; undefined when nothing is. */
  readonly problem: string | undefined;
}

/** What {@link parseDecoderConfiguration} may be told. */
export interface DecoderConfigurationOptions {
  /** Read the SPS for the picture's size. Default true. */
  readonly parseSps?: boolean;
}

type Facts = Partial<Omit<DecoderConfiguration, 'codec' | 'record' | 'readable'>>;

const OPUS_HEAD_BYTES = 19;
const OPUS_MAGIC = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64]; // OpusHead

const NOTHING = {
  codecString: undefined,
  profile: undefined,
  level: undefined,
  width: undefined,
  height: undefined,
  sampleRate: undefined,
  channels: undefined,
  frameSamples: undefined,
  nalLengthSize: undefined,
  parameterSets: undefined,
  problem: undefined,
};

/**
 * Reads a decoder configuration. It never throws: a publisher's configuration that can't be read is passed on with what
 * is known of it, and says its `problem`.
 *
 * @param record - kept by reference, as views of it are
 */
export function parseDecoderConfiguration(
  codec: VideoCodec | AudioCodec,
  record: Uint8Array,
  { parseSps = true }: DecoderConfigurationOptions = {},
): DecoderConfiguration {
  try {
    return { ...NOTHING, ...read(codec, record, parseSps), codec, record, readable: true };
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    return { ...NOTHING, codec, record, readable: false, problem: error.message };
  }
}

/** A decoder configuration whose record is in a form that nothing here reads. */
export function unreadConfiguration(
  codec: VideoCodec | AudioCodec,
  record: Uint8Array,
): DecoderConfiguration {
  return { ...NOTHING, codec, record, readable: false };
}

/** The record with NAL lengths of four bytes, as packets' payloads have them; the record itself where it says so. */
export function recordWithLongLengths({ codec, record, nalLengthSize }: DecoderConfiguration): Uint8Array {
  const at = codec === 'h264' ? 4 : 21;
  if (nalLengthSize === undefined || nalLengthSize === 4) return record;
  const copy = new Uint8Array(record);
  copy[at] = (copy[at] ?? 0) | 0x03; // lengthSizeMinusOne
  return copy;
}

function read(codec: Codec, record: Uint8Array, parseSps: boolean): Facts {
  switch (codec) {
    case 'h264':
      return avcFacts(record, parseSps);
    case 'hevc':
      return hevcFacts(record, parseSps);
    case 'av1':
      return av1Facts(record);
    case 'aac':
      return aacFacts(record);
    case 'opus':
      return opusFacts(record);
    default:
      return {};
  }
}

function avcFacts(record: Uint8Array, parseSps: boolean): Facts {
  const configuration = parseAvcDecoderConfiguration(record.subarray(0, parameterSetsEnd(record)));
  const { lengthSize, sps, pps, profileIndication, levelIndication } = configuration;
  return {
    codecString: avcCodecString(configuration),
    profile: profileIndication,
    level: levelIndication,
    nalLengthSize: lengthSize,
    parameterSets: { vps: [], sps, pps },
    ...(parseSps ? sizeOf(sps[0], parseAvcSps) : {}),
  };
}

/**
 * Where the parameter sets of an AVCDecoderConfigurationRecord end. What follows is of no use here: an extension that
 * repeats what the SPS says, or NAL units that would pass for such an extension.
 */
function parameterSetsEnd(record: Uint8Array): number {
  let offset = 5;
  for (const countMask of [0x1f, 0xff]) {
    const count = (record[offset] ?? 0) & countMask;
    offset += 1;
    for (let index = 0; index < count && offset < record.length; index += 1) {
      offset += 2 + (((record[offset] ?? 0) << 8) | (record[offset + 1] ?? 0));
    }
  }
  return offset;
}

function hevcFacts(record: Uint8Array, parseSps: boolean): Facts {
  const configuration = parseHevcDecoderConfiguration(record);
  const units = (type: HevcNalType): readonly Uint8Array[] => hevcConfigurationUnits(configuration, type);
  const sps = units(HevcNalType.sps);
  return {
    codecString: hevcCodecString(configuration),
    profile: configuration.profileIdc,
    level: configuration.levelIdc,
    nalLengthSize: configuration.lengthSize,
    parameterSets: { vps: units(HevcNalType.vps), sps, pps: units(HevcNalType.pps) },
    ...(parseSps ? sizeOf(sps[0], parseHevcSps) : {}),
  };
}

/** The codec is worth knowing even where the parameter set, or the sequence header, can't be read. */
function sizeOf(
  bytes: Uint8Array | undefined,
  parse: (bytes: Uint8Array) => { readonly width: number; readonly height: number } | undefined,
): Facts {
  if (bytes === undefined) return {};
  try {
    const size = parse(bytes);
    return size === undefined ? {} : { width: size.width, height: size.height };
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    return { problem: error.message };
  }
}

function av1Facts(record: Uint8Array): Facts {
  const configuration = parseAv1CodecConfiguration(record);
  return {
    codecString: av1CodecString(configuration),
    profile: configuration.profile,
    level: configuration.levelIndex,
    ...sizeOf(configuration.configObus, findAv1SequenceHeader),
  };
}

function aacFacts(record: Uint8Array): Facts {
  const config = parseAudioSpecificConfig(record);
  return {
    codecString: aacCodecString(config),
    profile: config.objectType,
    sampleRate: aacOutputSampleRate(config),
    channels: aacOutputChannels(config),
    frameSamples: config.frameLength,
  };
}

/** OpusHead (RFC 7845 clause 5.1). A decoder's output has 48 kHz whatever InputSampleRate says (RFC 6716 clause 2). */
function opusFacts(head: Uint8Array): Facts {
  if (head.length < OPUS_HEAD_BYTES) {
    throw new MediaError(
      'short-read',
      `an OpusHead of ${head.length} bytes, wanted at least ${OPUS_HEAD_BYTES}`,
    );
  }
  const channels = head[9] ?? 0;
  if (channels === 0 || !OPUS_MAGIC.every((byte, index) => head[index] === byte)) {
    throw new MediaError('bad-value', 'an OpusHead without its magic signature, or of no channels');
  }
  return { codecString: 'opus', sampleRate: 48_000, channels };
}
