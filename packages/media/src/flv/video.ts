import { MediaError } from '../errors.ts';
import type { VideoCodec } from '../model/index.ts';
import { readFourCC, readU24, writeFourCC } from './fourcc.ts';
import { readPacketType, readTagTracks, type TagTracks } from './multitrack.ts';
import {
  videoCodecId,
  videoCodecOfFourCC,
  videoCodecOfId,
  videoFourCC,
  videoFourCCName,
} from './video-codec.ts';

/** FrameType of a video tag (FLV 10.1 E.4.3.1). */
export const VideoFrameType = {
  key: 1,
  inter: 2,
  disposableInter: 3,
  generatedKey: 4,
  command: 5,
} as const;

/** A value of {@link VideoFrameType}. */
export type VideoFrameType = (typeof VideoFrameType)[keyof typeof VideoFrameType];

/** What a video tag holds behind its header. */
export type VideoPacketType =
  | 'sequence-header'
  | 'coded-frames'
  | 'end-of-sequence'
  | 'metadata'
  | 'mpeg2ts-sequence-header'
  | 'multitrack'
  | 'command'
  | 'unknown';

/** The facts of a video tag's header (FLV 10.1 E.4.3.1; Enhanced RTMP v2, ExVideoTagHeader). */
export interface VideoTagHeader {
  readonly codec: VideoCodec;
  /** FrameType as sent: a value of {@link VideoFrameType}, or a reserved one (0, 6..15). */
  readonly frameType: number;
  /** True for coded frames at which a decoder can start; false for sequence headers, whatever their frame type. */
  readonly keyframe: boolean;
  /** `unknown` is a reserved packet type. */
  readonly packetType: VideoPacketType;
  /** Presentation time minus decoding time in ms, -8388608..8388607; 0 where the header has none. */
  readonly compositionTime: number;
  /** Where the payload starts in the body; for multitrack, the payload of the first track. */
  readonly dataOffset: number;
  /** True when the header is an Enhanced RTMP one. */
  readonly enhanced: boolean;
  /** The FourCC as sent; undefined for a legacy header and for a command. */
  readonly fourCC: string | undefined;
  /** The tracks of a `multitrack` packet, else undefined; the codec, times and offset above are those of the first. */
  readonly multitrack: TagTracks<VideoPacketType, VideoCodec> | undefined;
  /** TimestampOffsetNano of Enhanced RTMP: 0..999999 ns that are added to the presentation time. */
  readonly nanoseconds: number;
}

/** What {@link buildVideoTagHeader} needs. */
export interface VideoTagHeaderOptions {
  readonly codec: VideoCodec;
  /** A value of {@link VideoFrameType}. */
  readonly frameType: VideoFrameType;
  /** Default `coded-frames`. */
  readonly packetType?: Exclude<VideoPacketType, 'multitrack' | 'unknown'>;
  /** Presentation time minus decoding time in ms, -8388608..8388607. Default 0. */
  readonly compositionTime?: number;
  /** Write an Enhanced RTMP header. Default: only for codecs that have no id in the FLV specification. */
  readonly enhanced?: boolean;
}

/** VideoPacketType of Enhanced RTMP v2. */
const EX_PACKET_TYPE = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2TsSequenceStart: 5,
  multitrack: 6,
} as const;

const EX_HEADER_FLAG = 0x80;
const MIN_COMPOSITION_TIME = -0x800000;
const MAX_COMPOSITION_TIME = 0x7fffff;

/**
 * Reads the header at the front of a video tag's body.
 *
 * @returns undefined when the body is too short to hold its header (an empty body, say), which is a normal answer.
 */
export function parseVideoTagHeader(body: Uint8Array): VideoTagHeader | undefined {
  const first = body[0];
  if (first === undefined) return undefined;
  if ((first & EX_HEADER_FLAG) !== 0) return parseEnhanced(body, first);
  const frameType = first >> 4;
  const codecId = first & 0x0f;
  const codec = videoCodecOfId(codecId);
  // FLV 10.1 E.4.3.1: a video info/command frame has one byte of command where others have their payload.
  if (frameType === VideoFrameType.command)
    return header(codec, frameType, 'command', 0, 1, false, undefined);
  if (codec !== 'h264' && codec !== 'hevc' && codec !== 'av1') {
    return header(codec, frameType, 'coded-frames', 0, 1, false, undefined);
  }
  if (body.length < 5) return undefined;
  const packetType = legacyPacketType(body[1] ?? 0);
  const compositionTime = packetType === 'coded-frames' ? readI24(body, 2) : 0;
  return header(codec, frameType, packetType, compositionTime, 5, false, undefined);
}

/**
 * Builds the header of a video tag; the payload goes behind it.
 *
 * An enhanced header of H.264, HEVC or VVC with a composition time of 0 is written in its short form, CodedFramesX.
 *
 * @throws MediaError `unsupported` when the codec cannot be named in the wanted form, `bad-value` when the
 * composition time does not fit 24 bits.
 */
export function buildVideoTagHeader(options: VideoTagHeaderOptions): Uint8Array {
  const { codec, frameType, packetType = 'coded-frames', compositionTime = 0 } = options;
  if (!(compositionTime >= MIN_COMPOSITION_TIME && compositionTime <= MAX_COMPOSITION_TIME)) {
    throw new MediaError(
      'bad-value',
      `composition time ${compositionTime} ms is outside ${MIN_COMPOSITION_TIME}..${MAX_COMPOSITION_TIME}`,
    );
  }
  const enhanced = options.enhanced ?? enhancedByDefault(codec);
  return enhanced
    ? buildEnhanced(codec, frameType, packetType, compositionTime)
    : buildLegacy(codec, frameType, packetType, compositionTime);
}

function parseEnhanced(body: Uint8Array, first: number): VideoTagHeader | undefined {
  const frameType = (first >> 4) & 0x07;
  const type = readPacketType(body);
  if (type === undefined) return undefined;
  const { wireType, nanoseconds } = type;
  let { offset } = type;
  if (frameType === VideoFrameType.command && wireType !== EX_PACKET_TYPE.metadata) {
    return offset < body.length
      ? header('unknown', frameType, 'command', 0, offset, true, undefined, nanoseconds)
      : undefined;
  }
  if (wireType === EX_PACKET_TYPE.multitrack) return parseMultitrack(body, offset, frameType, nanoseconds);
  if (body.length < offset + 4) return undefined;
  const fourCC = readFourCC(body, offset);
  const codec = videoCodecOfFourCC(fourCC);
  offset += 4;
  let compositionTime = 0;
  if (wireType === EX_PACKET_TYPE.codedFrames && hasCompositionTime(codec)) {
    if (body.length < offset + 3) return undefined;
    compositionTime = readI24(body, offset);
    offset += 3;
  }
  const name = videoFourCCName(codec, fourCC);
  const packetType = exPacketType(wireType);
  return header(codec, frameType, packetType, compositionTime, offset, true, name, nanoseconds);
}

function parseMultitrack(
  body: Uint8Array,
  start: number,
  frameType: number,
  nanoseconds: number,
): VideoTagHeader | undefined {
  const multitrackType = (body[start] ?? 0) >> 4;
  const wireType = (body[start] ?? 0) & 0x0f;
  const isCoded = wireType === EX_PACKET_TYPE.codedFrames;
  const read = readTagTracks(body, start + 1, multitrackType, isCoded, TRACK_CODECS);
  const [first] = read?.tracks ?? [];
  if (read === undefined || first === undefined) return undefined;
  const { codec, compositionTime, dataOffset, fourCC } = first;
  const packetType = exPacketType(wireType);
  return {
    codec,
    frameType,
    keyframe: packetType === 'coded-frames' && isKeyFrameType(frameType),
    packetType: 'multitrack',
    compositionTime,
    dataOffset,
    enhanced: true,
    fourCC: videoFourCCName(codec, fourCC),
    multitrack: { multitrackType, packetType, ...read },
    nanoseconds,
  };
}

function buildEnhanced(
  codec: VideoCodec,
  frameType: VideoFrameType,
  packetType: VideoPacketType,
  compositionTime: number,
): Uint8Array {
  const firstBits = EX_HEADER_FLAG | (frameType << 4);
  if (packetType === 'command') return Uint8Array.of(firstBits | EX_PACKET_TYPE.sequenceStart);
  const fourCC = videoFourCC(codec);
  if (fourCC === undefined)
    throw new MediaError('unsupported', `no FourCC is defined for video codec ${codec}`);
  const timed = packetType === 'coded-frames' && hasCompositionTime(codec);
  if (compositionTime !== 0 && !timed) {
    throw new MediaError('unsupported', `a ${codec} ${packetType} header has no composition time`);
  }
  const result = new Uint8Array(compositionTime === 0 ? 5 : 8);
  const wireType =
    timed && compositionTime === 0 ? EX_PACKET_TYPE.codedFramesX : exPacketTypeCode(packetType);
  result[0] = firstBits | wireType;
  writeFourCC(result, 1, fourCC);
  if (compositionTime !== 0) writeI24(result, 5, compositionTime);
  return result;
}

function buildLegacy(
  codec: VideoCodec,
  frameType: VideoFrameType,
  packetType: VideoPacketType,
  compositionTime: number,
): Uint8Array {
  const codecId = videoCodecId(codec);
  if (codecId === undefined) throw new MediaError('unsupported', `no FLV codec id is defined for ${codec}`);
  const first = (frameType << 4) | codecId;
  if (packetType === 'command') return Uint8Array.of(first);
  const hasPacketType = codec === 'h264' || codec === 'hevc' || codec === 'av1';
  if (!hasPacketType && (packetType !== 'coded-frames' || compositionTime !== 0)) {
    throw new MediaError(
      'unsupported',
      `a ${codec} tag has no ${packetType} packets and no composition time`,
    );
  }
  if (!hasPacketType) return Uint8Array.of(first);
  if (packetType !== 'sequence-header' && packetType !== 'coded-frames' && packetType !== 'end-of-sequence') {
    throw new MediaError('unsupported', `${packetType} packets need an Enhanced RTMP header`);
  }
  const result = Uint8Array.of(first, exPacketTypeCode(packetType), 0, 0, 0);
  writeI24(result, 2, compositionTime);
  return result;
}

function header(
  codec: VideoCodec,
  frameType: number,
  packetType: VideoPacketType,
  compositionTime: number,
  dataOffset: number,
  enhanced: boolean,
  fourCC: string | undefined,
  nanoseconds = 0,
): VideoTagHeader {
  return {
    codec,
    frameType,
    keyframe: packetType === 'coded-frames' && isKeyFrameType(frameType),
    packetType,
    compositionTime,
    dataOffset,
    enhanced,
    fourCC,
    multitrack: undefined,
    nanoseconds,
  };
}

function isKeyFrameType(frameType: number): boolean {
  return frameType === VideoFrameType.key || frameType === VideoFrameType.generatedKey;
}

function hasCompositionTime(codec: VideoCodec): boolean {
  return codec === 'h264' || codec === 'hevc' || codec === 'vvc';
}

const TRACK_CODECS = { codecOf: videoCodecOfFourCC, hasCompositionTime };

function enhancedByDefault(codec: VideoCodec): boolean {
  return codec === 'hevc' || codec === 'av1' || codec === 'vp8' || codec === 'vp9' || codec === 'vvc';
}

function legacyPacketType(avcPacketType: number): VideoPacketType {
  return avcPacketType <= EX_PACKET_TYPE.sequenceEnd ? exPacketType(avcPacketType) : 'unknown';
}

function exPacketType(wireType: number): VideoPacketType {
  switch (wireType) {
    case EX_PACKET_TYPE.sequenceStart:
      return 'sequence-header';
    case EX_PACKET_TYPE.codedFrames:
    case EX_PACKET_TYPE.codedFramesX:
      return 'coded-frames';
    case EX_PACKET_TYPE.sequenceEnd:
      return 'end-of-sequence';
    case EX_PACKET_TYPE.metadata:
      return 'metadata';
    case EX_PACKET_TYPE.mpeg2TsSequenceStart:
      return 'mpeg2ts-sequence-header';
    default:
      return 'unknown';
  }
}

function exPacketTypeCode(packetType: VideoPacketType): number {
  switch (packetType) {
    case 'sequence-header':
      return EX_PACKET_TYPE.sequenceStart;
    case 'coded-frames':
      return EX_PACKET_TYPE.codedFrames;
    case 'end-of-sequence':
      return EX_PACKET_TYPE.sequenceEnd;
    case 'metadata':
      return EX_PACKET_TYPE.metadata;
    case 'mpeg2ts-sequence-header':
      return EX_PACKET_TYPE.mpeg2TsSequenceStart;
    default:
      throw new MediaError('unsupported', `a ${packetType} packet cannot be built here`);
  }
}

function readI24(bytes: Uint8Array, offset: number): number {
  return (readU24(bytes, offset) << 8) >> 8;
}

function writeI24(target: Uint8Array, offset: number, value: number): void {
  target[offset] = (value >> 16) & 0xff;
  target[offset + 1] = (value >> 8) & 0xff;
  target[offset + 2] = value & 0xff;
}
