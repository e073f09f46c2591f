import { BitReader, BitWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { parseProgramConfigChannels } from './program-config.ts';
import {
  AAC_SAMPLE_RATES,
  aacChannels,
  AacObjectType,
  aacSampleRateIndex,
  EXPLICIT_SAMPLE_RATE,
} from './tables.ts';

/**
 * How a configuration says that spectral band replication is there (ISO/IEC 14496-3 clause 1.6.5.2).
 *
 * - `none`: not at all; SBR may still be in the frames (implicit signalling).
 * - `hierarchical`: object type 5 or 29 comes first, the true one behind it.
 * - `backward-compatible`: the sync extension 0x2b7 stands at the end, where old decoders do not look.
 */
export type SbrSignalling = 'none' | 'hierarchical' | 'backward-compatible';

/** AudioSpecificConfig (ISO/IEC 14496-3 clause 1.6.2.1): the AAC sequence header of FLV and MP4. */
export interface AudioSpecificConfig {
  /** audioObjectType of the core codec, 2 for LC, also where SBR or PS comes on top. */
  readonly objectType: number;
  /** samplingFrequency of the core codec in Hz. */
  readonly sampleRate: number;
  /** channelConfiguration, 0..15; 0 when a program config element tells the channels. */
  readonly channelConfiguration: number;
  /** Channels that the core codec has; undefined when the configuration is reserved. */
  readonly channels: number | undefined;
  /** Samples a frame of the core codec for each channel: 1024, or 960 with frameLengthFlag. */
  readonly frameLength: number;
  readonly sbrSignalling: SbrSignalling;
  /** sbrPresentFlag: HE-AAC. */
  readonly sbr: boolean;
  /** psPresentFlag: HE-AAC v2; the decoder makes two channels of one. */
  readonly ps: boolean;
  /** Hz that come out when {@link sbr} is true, else undefined. */
  readonly extensionSampleRate: number | undefined;
}

/** What {@link buildAudioSpecificConfig} needs. */
export interface AudioSpecificConfigOptions {
  /** Object type of the core codec, 1..4. Default 2, LC. */
  readonly objectType?: number;
  /** Hz of the core codec; one without an index is written with 24 bits. */
  readonly sampleRate: number;
  /** channelConfiguration, 1..7 and 11..14. */
  readonly channelConfiguration: number;
  /** Samples a frame: 1024 or 960. Default 1024. */
  readonly frameLength?: number;
  /** Default `none`, or `hierarchical` when sbr or ps is on. */
  readonly sbrSignalling?: SbrSignalling;
  /** Default false. */
  readonly sbr?: boolean;
  /** Default false. Asks for sbr. */
  readonly ps?: boolean;
  /** Hz that come out with SBR. Default: twice sampleRate. */
  readonly extensionSampleRate?: number | undefined;
}

const SYNC_EXTENSION_SBR = 0x2b7;
const SYNC_EXTENSION_PS = 0x548;
const OBJECT_TYPE_ESCAPE = 31;

/** Object types whose own part is GASpecificConfig (ISO/IEC 14496-3 Table 1.15). */
const GENERAL_AUDIO_TYPES: readonly number[] = [1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23];

interface Extension {
  readonly sbrSignalling: SbrSignalling;
  readonly sbr: boolean;
  readonly ps: boolean;
  readonly extensionSampleRate: number | undefined;
}

const NO_EXTENSION: Extension = {
  sbrSignalling: 'none',
  sbr: false,
  ps: false,
  extensionSampleRate: undefined,
};

/**
 * Reads an AudioSpecificConfig (ISO/IEC 14496-3 clause 1.6.2.1).
 *
 * Of object types outside general audio (USAC, ELD, …) only the fields that all share are read.
 *
 * @throws MediaError `short-read` when it is cut, `bad-value` for a reserved sampling frequency index or an object
 * type of 0.
 */
export function parseAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig {
  return readAudioSpecificConfig(new BitReader(bytes), true);
}

/**
 * Reads an AudioSpecificConfig that other bits may follow, from a reader whose first bit is the configuration's
 * own.
 *
 * @param withExtension Whether a backward-compatible extension may follow: it is there only where the end of the
 * configuration is known.
 * @throws MediaError as {@link parseAudioSpecificConfig}.
 */
export function readAudioSpecificConfig(reader: BitReader, withExtension: boolean): AudioSpecificConfig {
  let objectType = readObjectType(reader); // audioObjectType
  const sampleRate = readSampleRate(reader); // samplingFrequencyIndex, samplingFrequency
  const channelConfiguration = reader.bits(4); // channelConfiguration
  let extension = NO_EXTENSION;
  if (objectType === AacObjectType.sbr || objectType === AacObjectType.ps) {
    const ps = objectType === AacObjectType.ps;
    const extensionSampleRate = readSampleRate(reader); // extensionSamplingFrequencyIndex
    extension = { sbrSignalling: 'hierarchical', sbr: true, ps, extensionSampleRate };
    objectType = readObjectType(reader); // audioObjectType
    if (objectType === AacObjectType.erBsac) reader.skip(4); // extensionChannelConfiguration
  }
  let frameLength = 1024;
  let channels = aacChannels(channelConfiguration);
  if (GENERAL_AUDIO_TYPES.includes(objectType)) {
    const general = readGeneralAudio(reader, objectType, channelConfiguration);
    frameLength = general.frameLength;
    channels ??= general.channels;
    if (withExtension && extension.sbrSignalling === 'none' && !isErrorResilient(objectType)) {
      extension = readSyncExtension(reader);
    }
  }
  return { objectType, sampleRate, channelConfiguration, channels, frameLength, ...extension };
}

/**
 * Builds an AudioSpecificConfig as new bytes.
 *
 * @throws MediaError `unsupported` for an object type over 4 or a channel configuration without fixed channels,
 * `bad-value` when a rate does not fit 24 bits or ps goes without sbr.
 */
export function buildAudioSpecificConfig(options: AudioSpecificConfigOptions): Uint8Array {
  const { objectType = AacObjectType.lc, sampleRate, channelConfiguration, frameLength = 1024 } = options;
  const { sbr = options.ps ?? false, ps = false, extensionSampleRate = sampleRate * 2 } = options;
  const signalling = options.sbrSignalling ?? (sbr ? 'hierarchical' : 'none');
  if (objectType < AacObjectType.main || objectType > AacObjectType.ltp) {
    throw new MediaError('unsupported', `AAC object type ${objectType}, this builds 1..4`);
  }
  if (aacChannels(channelConfiguration) === undefined) {
    throw new MediaError(
      'unsupported',
      `channel configuration ${channelConfiguration} has no fixed channels`,
    );
  }
  if (frameLength !== 1024 && frameLength !== 960) {
    throw new MediaError('bad-value', `${frameLength} samples a frame, wanted 1024 or 960`);
  }
  if (ps && !sbr) throw new MediaError('bad-value', 'parametric stereo needs SBR');
  if (sbr !== (signalling === 'hierarchical') && signalling !== 'backward-compatible') {
    throw new MediaError(
      'bad-value',
      `signalling ${signalling} cannot say that SBR is ${sbr ? 'on' : 'off'}`,
    );
  }
  const writer = new BitWriter();
  if (signalling === 'hierarchical') {
    writer.bits(ps ? AacObjectType.ps : AacObjectType.sbr, 5); // audioObjectType
    writeSampleRate(writer, sampleRate); // samplingFrequencyIndex
    writer.bits(channelConfiguration, 4); // channelConfiguration
    writeSampleRate(writer, extensionSampleRate); // extensionSamplingFrequencyIndex
    writer.bits(objectType, 5); // audioObjectType
  } else {
    writer.bits(objectType, 5); // audioObjectType
    writeSampleRate(writer, sampleRate); // samplingFrequencyIndex
    writer.bits(channelConfiguration, 4); // channelConfiguration
  }
  writer.flag(frameLength === 960); // frameLengthFlag
  writer.flag(false); // dependsOnCoreCoder
  writer.flag(false); // extensionFlag
  if (signalling === 'backward-compatible') {
    writer.bits(SYNC_EXTENSION_SBR, 11); // syncExtensionType
    writer.bits(AacObjectType.sbr, 5); // extensionAudioObjectType
    writer.flag(sbr); // sbrPresentFlag
    if (sbr) writeSampleRate(writer, extensionSampleRate); // extensionSamplingFrequencyIndex
    if (ps) writer.bits(SYNC_EXTENSION_PS, 11).flag(true); // syncExtensionType, psPresentFlag
  }
  return writer.finish();
}

/** Hz that a decoder puts out: doubled by SBR when that is signalled. */
export function aacOutputSampleRate(config: AudioSpecificConfig): number {
  return config.sbr ? (config.extensionSampleRate ?? config.sampleRate) : config.sampleRate;
}

/** Channels that a decoder puts out: parametric stereo makes two of one. */
export function aacOutputChannels(config: AudioSpecificConfig): number | undefined {
  return config.ps && config.channels === 1 ? 2 : config.channels;
}

/** The codec's name in MIME types and WebCodecs (RFC 6381): `mp4a.40.2` LC, `mp4a.40.5` HE, `mp4a.40.29` HE v2. */
export function aacCodecString(config: Pick<AudioSpecificConfig, 'objectType' | 'sbr' | 'ps'>): string {
  const objectType = config.ps ? AacObjectType.ps : config.sbr ? AacObjectType.sbr : config.objectType;
  return `mp4a.40.${objectType}`;
}

function readObjectType(reader: BitReader): number {
  const short = reader.bits(5); // audioObjectType
  const objectType = short === OBJECT_TYPE_ESCAPE ? 32 + reader.bits(6) : short; // audioObjectTypeExt
  if (objectType === 0) throw new MediaError('bad-value', 'audioObjectType is 0');
  return objectType;
}

function readSampleRate(reader: BitReader): number {
  const index = reader.bits(4);
  if (index !== EXPLICIT_SAMPLE_RATE) {
    const rate = AAC_SAMPLE_RATES[index];
    if (rate === undefined) throw new MediaError('bad-value', `samplingFrequencyIndex ${index} is reserved`);
    return rate;
  }
  const rate = reader.bits(24); // samplingFrequency
  if (rate === 0) throw new MediaError('bad-value', 'samplingFrequency is 0');
  return rate;
}

function writeSampleRate(writer: BitWriter, rate: number): void {
  const index = aacSampleRateIndex(rate);
  if (index !== undefined) {
    writer.bits(index, 4);
    return;
  }
  writer.bits(EXPLICIT_SAMPLE_RATE, 4).bits(rate, 24);
}

/** Reads GASpecificConfig() (ISO/IEC 14496-3 Table 4.1). */
function readGeneralAudio(
  reader: BitReader,
  objectType: number,
  channelConfiguration: number,
): { readonly frameLength: number; readonly channels: number | undefined } {
  const frameLength = reader.flag() ? 960 : 1024; // frameLengthFlag
  if (reader.flag()) reader.skip(14); // dependsOnCoreCoder: coreCoderDelay
  const extensionFlag = reader.flag(); // extensionFlag
  const channels = channelConfiguration === 0 ? parseProgramConfigChannels(reader) : undefined;
  if (objectType === AacObjectType.scalable || objectType === AacObjectType.erScalable) {
    reader.skip(3); // layerNr
  }
  if (extensionFlag && isErrorResilient(objectType)) {
    if (objectType === AacObjectType.erBsac)
      reader.skip(5 + 11); // numOfSubFrame, layer_length
    else if (objectType !== 21) reader.skip(3); // aac…ResilienceFlag
  }
  return { frameLength, channels };
}

function isErrorResilient(objectType: number): boolean {
  return objectType >= AacObjectType.erLc;
}

/** Reads the backward-compatible extension, when one follows (ISO/IEC 14496-3 clause 1.6.2.1). */
function readSyncExtension(reader: BitReader): Extension {
  if (reader.remaining < 16 || reader.bits(11) !== SYNC_EXTENSION_SBR) return NO_EXTENSION; // syncExtensionType
  if (readObjectType(reader) !== AacObjectType.sbr) return NO_EXTENSION; // extensionAudioObjectType
  if (!reader.flag()) return { ...NO_EXTENSION, sbrSignalling: 'backward-compatible' }; // sbrPresentFlag
  const extensionSampleRate = readSampleRate(reader); // extensionSamplingFrequencyIndex
  // syncExtensionType, psPresentFlag
  const ps = reader.remaining >= 12 && reader.bits(11) === SYNC_EXTENSION_PS && reader.flag();
  return { sbrSignalling: 'backward-compatible', sbr: true, ps, extensionSampleRate };
}
