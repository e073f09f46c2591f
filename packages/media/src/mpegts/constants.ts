/** Bytes of a transport stream packet (ISO/IEC 13818-1 clause 2.4.3.2). */
export const TS_PACKET_BYTES = 188;
/** Bytes of a packet's header, adaptation field not counted. */
export const TS_HEADER_BYTES = 4;
/** sync_byte. */
export const TS_SYNC_BYTE = 0x47;

/** PIDs that every transport stream uses for the same (ISO/IEC 13818-1 Table 2-3). */
export const TS_PAT_PID = 0x0000;
/** The PID of null packets, and what a PMT names as its PCR_PID when it has none. */
export const TS_NULL_PID = 0x1fff;

/** The PIDs of the streams that this library makes. */
export const TsPid = {
  pmt: 0x1001,
  video: 0x100,
  aac: 0x101,
  mp3: 0x102,
} as const;

/** A value of {@link TsPid}. */
export type TsPid = (typeof TsPid)[keyof typeof TsPid];

/** stream_type of the streams that this library knows (ISO/IEC 13818-1 Table 2-34). */
export const TsStreamType = {
  /** ISO/IEC 11172-3: MP3 of 32 kHz and more. */
  mpeg1Audio: 0x03,
  /** ISO/IEC 13818-3: MP3 of 16 to 24 kHz. */
  mpeg2Audio: 0x04,
  /** AAC in ADTS frames. */
  adtsAac: 0x0f,
  /** AAC in LATM, with its LOAS synchronisation. */
  latmAac: 0x11,
  h264: 0x1b,
  hevc: 0x24,
} as const;

/** A value of {@link TsStreamType}. */
export type TsStreamType = (typeof TsStreamType)[keyof typeof TsStreamType];

/** Video codecs that go into and come out of a transport stream. */
export type TsVideoCodec = 'h264' | 'hevc';
/** Audio codecs that go into and come out of a transport stream. */
export type TsAudioCodec = 'aac' | 'mp3';

/** What a program holds; undefined where there is no such stream. */
export interface TsCodecs {
  readonly video?: TsVideoCodec | undefined;
  readonly audio?: TsAudioCodec | undefined;
}
