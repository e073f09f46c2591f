import { MediaError } from '../errors.ts';
import type { AudioCodec } from '../model/index.ts';
import {
  audioCodecOfFourCC,
  audioCodecOfSoundFormat,
  audioFourCC,
  SOUND_FORMAT,
  soundFormatOf,
} from './audio-codec.ts';
import { fourCCToString, readFourCC, writeFourCC } from './fourcc.ts';
import { readPacketType, readTagTracks, type TagTracks } from './multitrack.ts';

/** What an audio tag holds behind its header. */
export type AudioPacketType =
  'sequence-header' | 'raw' | 'end-of-sequence' | 'multichannel-config' | 'multitrack' | 'unknown';

/** The facts of an audio tag's header (FLV 10.1 E.4.2.1; Enhanced RTMP v2, ExAudioTagHeader). */
export interface AudioTagHeader {
  readonly codec: AudioCodec;
  /** Hz, as the header says (AAC always says 44100: the truth is in its sequence header); undefined when enhanced. */
  readonly sampleRate: number | undefined;
  /** 8 or 16, as the header says; undefined when enhanced. */
  readonly sampleBits: number | undefined;
  /** 1 or 2, as the header says; undefined when enhanced. */
  readonly channels: number | undefined;
  /** `raw` is coded audio; `unknown` is a reserved packet type. */
  readonly packetType: AudioPacketType;
  /** Where the payload starts in the body; for multitrack, the payload of the first track. */
  readonly dataOffset: number;
  /** True when the header is an Enhanced RTMP one. */
  readonly enhanced: boolean;
  /** The FourCC as sent; undefined for a legacy header. */
  readonly fourCC: string | undefined;
  /** The tracks of a `multitrack` packet, else undefined; the codec and offset above are those of the first. */
  readonly multitrack: TagTracks<AudioPacketType, AudioCodec> | undefined;
  /** TimestampOffsetNano of Enhanced RTMP: 0..999999 ns that are added to the presentation time. */
  readonly nanoseconds: number;
}

/** What {@link buildAudioTagHeader} needs. */
export interface AudioTagHeaderOptions {
  readonly codec: AudioCodec;
  /** Default `raw`. */
  readonly packetType?: Exclude<AudioPacketType, 'multitrack' | 'unknown'>;
  /** Hz: one of 5512, 11025, 22050, 44100, and what the codec allows besides. Default 44100. Not written when enhanced. */
  readonly sampleRate?: number;
  /** 8 or 16. Default 16. Not written when enhanced. */
  readonly sampleBits?: number;
  /** 1 or 2. Default 2. Not written when enhanced. */
  readonly channels?: number;
  /** Write an Enhanced RTMP header. Default: only for codecs that have no sound format in the FLV specification. */
  readonly enhanced?: boolean;
}

/** AudioPacketType of Enhanced RTMP v2. */
const EX_PACKET_TYPE = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  multichannelConfig: 4,
  multitrack: 5,
} as const;

/** SoundRate (FLV 10.1 E.4.2.1) in Hz: 5.5, 11, 22 and 44 kHz there. */
const SOUND_RATES = [5512, 11025, 22050, 44100] as const;

/**
 * Reads the header at the front of an audio tag's body.
 *
 * @returns undefined when the body is too short to hold its header (an empty body, say), which is a normal answer.
 */
export function parseAudioTagHeader(body: Uint8Array): AudioTagHeader | undefined {
  const first = body[0];
  if (first === undefined) return undefined;
  const soundFormat = first >> 4;
  if (soundFormat === SOUND_FORMAT.exHeader) return parseEnhanced(body);
  const codec = audioCodecOfSoundFormat(soundFormat);
  let packetType: AudioPacketType = 'raw';
  let dataOffset = 1;
  if (soundFormat === SOUND_FORMAT.aac) {
    const aacPacketType = body[1];
    if (aacPacketType === undefined) return undefined;
    packetType = aacPacketType === 0 ? 'sequence-header' : aacPacketType === 1 ? 'raw' : 'unknown';
    dataOffset = 2;
  }
  const fixedRate = fixedRateOfSoundFormat(soundFormat);
  return {
    codec,
    sampleRate: fixedRate ?? SOUND_RATES[(first >> 2) & 0x03],
    sampleBits: (first & 0x02) === 0 ? 8 : 16,
    channels: isMonoOnly(soundFormat) || (first & 0x01) === 0 ? 1 : 2,
    packetType,
    dataOffset,
    enhanced: false,
    fourCC: undefined,
    multitrack: undefined,
    nanoseconds: 0,
  };
}

/**
 * Builds the header of an audio tag; the payload goes behind it. A legacy AAC header always says 44100 Hz, 16 bits,
 * stereo, as FLV 10.1 E.4.2.1 asks.
 *
 * @throws MediaError `unsupported` when the codec or packet type cannot be written in the wanted form, `bad-value`
 * when the sample rate, bits or channels cannot.
 */
export function buildAudioTagHeader(options: AudioTagHeaderOptions): Uint8Array {
  const { codec, packetType = 'raw' } = options;
  const enhanced = options.enhanced ?? enhancedByDefault(codec);
  if (enhanced) {
    const fourCC = audioFourCC(codec);
    if (fourCC === undefined)
      throw new MediaError('unsupported', `no FourCC is defined for audio codec ${codec}`);
    const result = new Uint8Array(5);
    result[0] = (SOUND_FORMAT.exHeader << 4) | exPacketTypeCode(packetType);
    writeFourCC(result, 1, fourCC);
    return result;
  }
  if (codec === 'aac') {
    if (packetType !== 'sequence-header' && packetType !== 'raw') {
      throw new MediaError('unsupported', `${packetType} packets need an Enhanced RTMP header`);
    }
    return Uint8Array.of((SOUND_FORMAT.aac << 4) | 0x0f, packetType === 'sequence-header' ? 0 : 1);
  }
  if (packetType !== 'raw') {
    throw new MediaError('unsupported', `a legacy ${codec} tag has no ${packetType} packets`);
  }
  return Uint8Array.of(legacyFirstByte(options));
}

function legacyFirstByte(options: AudioTagHeaderOptions): number {
  const { codec, sampleRate = 44100, sampleBits = 16, channels = 2 } = options;
  const soundFormat = soundFormatOf(codec, sampleRate);
  const fixedRate = fixedRateOfSoundFormat(soundFormat);
  const rateIsFixed = fixedRate !== undefined;
  const rateIndex = SOUND_RATES.findIndex((rate) => rate === sampleRate);
  if (rateIndex < 0 && !rateIsFixed) {
    throw new MediaError('bad-value', `${codec} at ${sampleRate} Hz: FLV has ${SOUND_RATES.join(', ')} Hz`);
  }
  if (rateIsFixed && options.sampleRate !== undefined && sampleRate !== fixedRate) {
    throw new MediaError('bad-value', `${codec} at ${sampleRate} Hz: FLV has it at ${fixedRate} Hz only`);
  }
  if (sampleBits !== 8 && sampleBits !== 16) {
    throw new MediaError('bad-value', `${sampleBits} bits a sample: FLV has 8 and 16`);
  }
  if (channels !== 1 && channels !== 2) {
    throw new MediaError('bad-value', `${channels} channels: FLV has 1 and 2`);
  }
  const soundRate = rateIsFixed ? 0 : rateIndex;
  return (soundFormat << 4) | (soundRate << 2) | (sampleBits === 16 ? 0x02 : 0) | (channels === 2 ? 0x01 : 0);
}

function parseEnhanced(body: Uint8Array): AudioTagHeader | undefined {
  const type = readPacketType(body);
  if (type === undefined) return undefined;
  const { wireType, offset, nanoseconds } = type;
  if (wireType === EX_PACKET_TYPE.multitrack) return parseMultitrack(body, offset, nanoseconds);
  if (body.length < offset + 4) return undefined;
  const packetType = exPacketType(wireType);
  return enhancedHeader(readFourCC(body, offset), packetType, offset + 4, undefined, nanoseconds);
}

function parseMultitrack(body: Uint8Array, start: number, nanoseconds: number): AudioTagHeader | undefined {
  const multitrackType = (body[start] ?? 0) >> 4;
  const packetType = exPacketType((body[start] ?? 0) & 0x0f);
  const read = readTagTracks(body, start + 1, multitrackType, false, TRACK_CODECS);
  const [first] = read?.tracks ?? [];
  if (read === undefined || first === undefined) return undefined;
  const multitrack = { multitrackType, packetType, ...read };
  return enhancedHeader(first.fourCC, 'multitrack', first.dataOffset, multitrack, nanoseconds);
}

function enhancedHeader(
  fourCC: number,
  packetType: AudioPacketType,
  dataOffset: number,
  multitrack: TagTracks<AudioPacketType, AudioCodec> | undefined,
  nanoseconds: number,
): AudioTagHeader {
  const codec = audioCodecOfFourCC(fourCC);
  return {
    codec,
    sampleRate: undefined,
    sampleBits: undefined,
    channels: undefined,
    packetType,
    dataOffset,
    enhanced: true,
    fourCC: audioFourCC(codec) ?? fourCCToString(fourCC),
    multitrack,
    nanoseconds,
  };
}

const TRACK_CODECS = { codecOf: audioCodecOfFourCC, hasCompositionTime: (): boolean => false };

function enhancedByDefault(codec: AudioCodec): boolean {
  return codec === 'opus' || codec === 'flac' || codec === 'ac3' || codec === 'eac3';
}

/** The rate in Hz of the formats that have only one, whatever their SoundRate bits say. */
function fixedRateOfSoundFormat(soundFormat: number): number | undefined {
  switch (soundFormat) {
    case SOUND_FORMAT.nellymoser16k:
    case SOUND_FORMAT.speex:
      return 16000;
    case SOUND_FORMAT.nellymoser8k:
    case SOUND_FORMAT.mp3At8k:
    case SOUND_FORMAT.g711a:
    case SOUND_FORMAT.g711u:
      return 8000;
    default:
      return undefined;
  }
}

function isMonoOnly(soundFormat: number): boolean {
  return (
    soundFormat === SOUND_FORMAT.nellymoser16k ||
    soundFormat === SOUND_FORMAT.nellymoser8k ||
    soundFormat === SOUND_FORMAT.speex
  );
}

function exPacketType(wireType: number): AudioPacketType {
  switch (wireType) {
    case EX_PACKET_TYPE.sequenceStart:
      return 'sequence-header';
    case EX_PACKET_TYPE.codedFrames:
      return 'raw';
    case EX_PACKET_TYPE.sequenceEnd:
      return 'end-of-sequence';
    case EX_PACKET_TYPE.multichannelConfig:
      return 'multichannel-config';
    default:
      return 'unknown';
  }
}

function exPacketTypeCode(packetType: Exclude<AudioPacketType, 'multitrack' | 'unknown'>): number {
  switch (packetType) {
    case 'sequence-header':
      return EX_PACKET_TYPE.sequenceStart;
    case 'raw':
      return EX_PACKET_TYPE.codedFrames;
    case 'end-of-sequence':
      return EX_PACKET_TYPE.sequenceEnd;
    case 'multichannel-config':
      return EX_PACKET_TYPE.multichannelConfig;
  }
}
