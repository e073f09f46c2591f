import type { TsAudioCodec, TsVideoCodec } from './constants.ts';

/** One elementary stream that a PMT names. */
export interface TsStream {
  /** program_number of the program that it belongs to. */
  readonly programNumber: number;
  readonly pid: number;
  /** stream_type as sent. */
  readonly streamType: number;
  /** What it holds; undefined for a type that this library does not read, whose packets are passed over. */
  readonly codec: TsVideoCodec | TsAudioCodec | undefined;
}

/** A program is there, or is another one than before. */
export interface TsProgramEvent {
  readonly kind: 'program';
  readonly programNumber: number;
  /** PCR_PID; 0x1FFF for none. */
  readonly pcrPid: number;
  /** Empty when the program has gone. */
  readonly streams: readonly TsStream[];
}

/** One access unit of video. Its bytes are nobody else's: the consumer may keep them. */
export interface TsVideoEvent {
  readonly kind: 'video';
  readonly stream: TsStream;
  readonly codec: TsVideoCodec;
  /** Decoding time in ticks of 90 kHz, on a timeline that goes on where 33 bits wrap. */
  readonly dts: number;
  /** Presentation time likewise. */
  readonly pts: number;
  /** It has an IDR (H.264) or IRAP (HEVC) picture, or is marked as a random access point and has an SPS. */
  readonly keyframe: boolean;
  /** NAL units without start codes, and without delimiters and parameter sets; may be empty. */
  readonly nalUnits: readonly Uint8Array[];
  /** VPS, SPS and PPS, as they came. */
  readonly parameterSets: readonly Uint8Array[];
  /** Data of this stream was lost in front of it. */
  readonly discontinuity: boolean;
}

/** One frame of audio. Its bytes are nobody else's: the consumer may keep them. */
export interface TsAudioEvent {
  readonly kind: 'audio';
  readonly stream: TsStream;
  readonly codec: TsAudioCodec;
  /** Presentation time in ticks of 90 kHz, on a timeline that goes on where 33 bits wrap. */
  readonly pts: number;
  /** AAC: a raw data block, without ADTS or LATM. MP3: the whole frame, header included. */
  readonly data: Uint8Array;
  /** AAC: the AudioSpecificConfig, the same object as long as it does not change; else undefined. */
  readonly config: Uint8Array | undefined;
  /** Data of this stream was lost in front of it. */
  readonly discontinuity: boolean;
}

/** What a {@link TsDemuxer} finds. */
export type TsEvent = TsProgramEvent | TsVideoEvent | TsAudioEvent;

/** What a {@link TsDemuxer} read and lost so far. */
export interface TsDemuxerCounters {
  /** Packets with a sync byte, null packets included. */
  packets: number;
  /** How often the sync byte was not where it should be. */
  syncLosses: number;
  /** Bytes that belong to no packet. */
  skippedBytes: number;
  /** Packets with transport_error_indicator. */
  transportErrors: number;
  /** Packets that are scrambled. */
  scrambledPackets: number;
  /** Packets whose adaptation field or pointer_field leads out of the packet. */
  malformedPackets: number;
  /** Packets sent twice. */
  duplicatePackets: number;
  /** Places where continuity_counter jumps. */
  continuityGaps: number;
  /** Sections with a wrong CRC or length. */
  badSections: number;
  /** PES packets that lost a part, or whose header is wrong. */
  damagedPes: number;
  /** PES packets over the limit. */
  oversizedPes: number;
  /** Programs and streams beyond the limits, and streams on a PID that is taken. */
  ignoredPids: number;
  /** Access units and audio frames that no time can be told of. */
  untimedUnits: number;
  /** Audio frames, or bytes between them, that cannot be read. */
  badFrames: number;
}

/** Counters that start at 0. */
export function newCounters(): TsDemuxerCounters {
  return {
    packets: 0,
    syncLosses: 0,
    skippedBytes: 0,
    transportErrors: 0,
    scrambledPackets: 0,
    malformedPackets: 0,
    duplicatePackets: 0,
    continuityGaps: 0,
    badSections: 0,
    damagedPes: 0,
    oversizedPes: 0,
    ignoredPids: 0,
    untimedUnits: 0,
    badFrames: 0,
  };
}
