import { MediaError } from '../errors.ts';
import { fourCCToString, readFourCC, writeFourCC } from './fourcc.ts';
import {
  type FirstTrack,
  MultitrackType,
  PACKET_TYPE_MOD_EX,
  readTrackSize,
  skipModEx,
} from './multitrack.ts';

/**
 * Audio codecs that FLV and RTMP can name. `pcm` has the sender's byte order, `device` is sound of the sender's own
 * making, `unknown` is a reserved sound format or a FourCC that none of them uses.
 */
export type AudioCodec =
  | 'pcm'
  | 'adpcm'
  | 'mp3'
  | 'pcm-le'
  | 'nellymoser'
  | 'g711a'
  | 'g711u'
  | 'aac'
  | 'speex'
  | 'device'
  | 'opus'
  | 'flac'
  | 'ac3'
  | 'eac3'
  | 'unknown';

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
  /** The first track of a `multitrack` packet, else undefined. */
  readonly track: FirstTrack<AudioPacketType> | undefined;
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

/** SoundFormat (FLV 10.1 E.4.2.1), 9 by Enhanced RTMP. */
const SOUND_FORMAT = {
  pcm: 0,
  adpcm: 1,
  mp3: 2,
  pcmLittleEndian: 3,
  nellymoser16k: 4,
  nellymoser8k: 5,
  nellymoser: 6,
  g711a: 7,
  g711u: 8,
  exHeader: 9,
  aac: 10,
  speex: 11,
  mp3At8k: 14,
  device: 15,
} as const;

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

const FOURCC_MP4A = 0x6d703461;
const FOURCC_OPUS = 0x4f707573;
const FOURCC_FLAC = 0x664c6143;
const FOURCC_AC3 = 0x61632d33;
const FOURCC_EAC3 = 0x65632d33;
const FOURCC_MP3 = 0x2e6d7033;

/**
 * Reads the header at the front of an audio tag's body.
 *
 * @returns undefined when the body is too short to hold its header (an empty body, say), which is a normal answer.
 */
export function parseAudioTagHeader(body: Uint8Array): AudioTagHeader | undefined {
  const first = body[0];
  if (first === undefined) return undefined;
  const soundFormat = first >> 4;
  if (soundFormat === SOUND_FORMAT.exHeader) return parseEnhanced(body, first);
  const codec = codecOfSoundFormat(soundFormat);
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
    track: undefined,
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
    const fourCC = knownFourCC(codec);
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
  const rateIsFixed = fixedRateOfSoundFormat(soundFormat) !== undefined;
  const rateIndex = SOUND_RATES.findIndex((rate) => rate === sampleRate);
  if (rateIndex < 0 && !rateIsFixed) {
    throw new MediaError('bad-value', `${codec} at ${sampleRate} Hz: FLV has ${SOUND_RATES.join(', ')} Hz`);
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

function parseEnhanced(body: Uint8Array, first: number): AudioTagHeader | undefined {
  let wireType = first & 0x0f;
  let offset = 1;
  while (wireType === PACKET_TYPE_MOD_EX) {
    const end = skipModEx(body, offset);
    if (end === undefined) return undefined;
    wireType = (body[end] ?? 0) & 0x0f;
    offset = end + 1;
  }
  if (wireType === EX_PACKET_TYPE.multitrack) return parseMultitrack(body, offset);
  if (body.length < offset + 4) return undefined;
  return enhancedHeader(readFourCC(body, offset), exPacketType(wireType), offset + 4, undefined);
}

function parseMultitrack(body: Uint8Array, start: number): AudioTagHeader | undefined {
  const multitrackType = (body[start] ?? 0) >> 4;
  const packetType = exPacketType((body[start] ?? 0) & 0x0f);
  const sizeBytes = multitrackType === MultitrackType.oneTrack ? 0 : 3;
  // The FourCC stands either before all tracks or in each track, but always right here for the first one.
  const dataOffset = start + 1 + 4 + 1 + sizeBytes;
  if (body.length < dataOffset) return undefined;
  return enhancedHeader(readFourCC(body, start + 1), 'multitrack', dataOffset, {
    multitrackType,
    packetType,
    trackId: body[start + 5] ?? 0,
    size: readTrackSize(body, start + 6, multitrackType),
  });
}

function enhancedHeader(
  fourCC: number,
  packetType: AudioPacketType,
  dataOffset: number,
  track: FirstTrack<AudioPacketType> | undefined,
): AudioTagHeader {
  const codec = codecOfFourCC(fourCC);
  return {
    codec,
    sampleRate: undefined,
    sampleBits: undefined,
    channels: undefined,
    packetType,
    dataOffset,
    enhanced: true,
    fourCC: knownFourCC(codec) ?? fourCCToString(fourCC),
    track,
  };
}

function enhancedByDefault(codec: AudioCodec): boolean {
  return codec === 'opus' || codec === 'flac' || codec === 'ac3' || codec === 'eac3';
}

function codecOfSoundFormat(soundFormat: number): AudioCodec {
  switch (soundFormat) {
    case SOUND_FORMAT.aac:
      return 'aac';
    case SOUND_FORMAT.mp3:
    case SOUND_FORMAT.mp3At8k:
      return 'mp3';
    case SOUND_FORMAT.pcm:
      return 'pcm';
    case SOUND_FORMAT.adpcm:
      return 'adpcm';
    case SOUND_FORMAT.pcmLittleEndian:
      return 'pcm-le';
    case SOUND_FORMAT.nellymoser16k:
    case SOUND_FORMAT.nellymoser8k:
    case SOUND_FORMAT.nellymoser:
      return 'nellymoser';
    case SOUND_FORMAT.g711a:
      return 'g711a';
    case SOUND_FORMAT.g711u:
      return 'g711u';
    case SOUND_FORMAT.speex:
      return 'speex';
    case SOUND_FORMAT.device:
      return 'device';
    default:
      return 'unknown';
  }
}

/** Picks among the formats of one codec by rate: MP3 and Nellymoser have formats of their own for 8 and 16 kHz. */
function soundFormatOf(codec: AudioCodec, sampleRate: number): number {
  switch (codec) {
    case 'pcm':
      return SOUND_FORMAT.pcm;
    case 'adpcm':
      return SOUND_FORMAT.adpcm;
    case 'mp3':
      return sampleRate === 8000 ? SOUND_FORMAT.mp3At8k : SOUND_FORMAT.mp3;
    case 'pcm-le':
      return SOUND_FORMAT.pcmLittleEndian;
    case 'nellymoser':
      if (sampleRate === 16000) return SOUND_FORMAT.nellymoser16k;
      return sampleRate === 8000 ? SOUND_FORMAT.nellymoser8k : SOUND_FORMAT.nellymoser;
    case 'g711a':
      return SOUND_FORMAT.g711a;
    case 'g711u':
      return SOUND_FORMAT.g711u;
    case 'speex':
      return SOUND_FORMAT.speex;
    case 'device':
      return SOUND_FORMAT.device;
    default:
      throw new MediaError('unsupported', `no FLV sound format is defined for audio codec ${codec}`);
  }
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

function codecOfFourCC(fourCC: number): AudioCodec {
  switch (fourCC) {
    case FOURCC_MP4A:
      return 'aac';
    case FOURCC_OPUS:
      return 'opus';
    case FOURCC_FLAC:
      return 'flac';
    case FOURCC_AC3:
      return 'ac3';
    case FOURCC_EAC3:
      return 'eac3';
    case FOURCC_MP3:
      return 'mp3';
    default:
      return 'unknown';
  }
}

function knownFourCC(codec: AudioCodec): string | undefined {
  switch (codec) {
    case 'aac':
      return 'mp4a';
    case 'opus':
      return 'Opus';
    case 'flac':
      return 'fLaC';
    case 'ac3':
      return 'ac-3';
    case 'eac3':
      return 'ec-3';
    case 'mp3':
      return '.mp3';
    default:
      return undefined;
  }
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
