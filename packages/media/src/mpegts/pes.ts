import { MediaError } from '../errors.ts';
import { readTimestamp, TS_TIMESTAMP_BYTES, writeTimestamp } from './timestamp.ts';

/** The head of a PES packet of audio or video (ISO/IEC 13818-1 clause 2.4.3.6). */
export interface TsPesHeader {
  /** stream_id: 0xE0..0xEF video, 0xC0..0xDF audio, others private. */
  readonly streamId: number;
  /** Bytes of payload behind the header; undefined when PES_packet_length is 0, which only video may do. */
  readonly payloadLength: number | undefined;
  /** data_alignment_indicator: the payload begins with an access unit. */
  readonly dataAlignment: boolean;
  /** Presentation time in ticks of 90 kHz, 33 bits; undefined when there is none (or its marker bits are wrong). */
  readonly pts: number | undefined;
  /** Decoding time likewise; undefined when it is that of presentation, or when there is none. */
  readonly dts: number | undefined;
}

/** What {@link parsePesHeader} found. */
export interface TsParsedPesHeader extends TsPesHeader {
  /** Where the payload begins, counted from the header's first byte. */
  readonly headerBytes: number;
}

/** stream_id of the streams that this library makes. */
export const TsStreamId = {
  audio: 0xc0,
  video: 0xe0,
} as const;

/** A value of {@link TsStreamId}. */
export type TsStreamId = (typeof TsStreamId)[keyof typeof TsStreamId];

/** packet_start_code_prefix … PES_header_data_length. */
export const TS_PES_FIXED_BYTES = 9;
/** The most that a PES header has. */
export const TS_PES_MAX_HEADER_BYTES = TS_PES_FIXED_BYTES + 255;
/** Bytes up to and with PES_packet_length, which counts from there. */
const LENGTH_FIELD_END = 6;
/** The most bytes of payload that PES_packet_length can tell of a packet with a PTS. */
export const TS_PES_MAX_PAYLOAD_BYTES = 0xffff - (TS_PES_FIXED_BYTES - LENGTH_FIELD_END) - TS_TIMESTAMP_BYTES;

/** stream_ids whose packets have no header behind PES_packet_length (ISO/IEC 13818-1 clause 2.4.3.7). */
const WITHOUT_HEADER: readonly number[] = [0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff];

/** Bytes of the header that {@link writePesHeader} writes. */
export function pesHeaderSize(header: Pick<TsPesHeader, 'pts' | 'dts'>): number {
  if (header.pts === undefined) return TS_PES_FIXED_BYTES;
  return TS_PES_FIXED_BYTES + (header.dts === undefined ? 1 : 2) * TS_TIMESTAMP_BYTES;
}

/**
 * Writes a PES header and returns the offset behind it. A length that PES_packet_length cannot tell is written as 0;
 * only video may have that, which is the caller's to see to.
 *
 * @throws MediaError `short-read` when `target` has no room for it.
 */
export function writePesHeader(target: Uint8Array, offset: number, header: TsPesHeader): number {
  const { streamId, payloadLength, dataAlignment, pts, dts } = header;
  const size = pesHeaderSize(header);
  if (target.length - offset < size) {
    throw new MediaError('short-read', `a PES header of ${size} bytes, room for ${target.length - offset}`);
  }
  const told = payloadLength === undefined ? 0 : size - LENGTH_FIELD_END + payloadLength;
  const packetLength = told > 0xffff ? 0 : told;
  target[offset] = 0; // packet_start_code_prefix
  target[offset + 1] = 0;
  target[offset + 2] = 1;
  target[offset + 3] = streamId; // stream_id
  target[offset + 4] = packetLength >>> 8; // PES_packet_length
  target[offset + 5] = packetLength;
  target[offset + 6] = 0x80 | (dataAlignment ? 0x04 : 0); // '10', …, data_alignment_indicator, …
  target[offset + 7] = pts === undefined ? 0 : dts === undefined ? 0x80 : 0xc0; // PTS_DTS_flags, …
  target[offset + 8] = size - TS_PES_FIXED_BYTES; // PES_header_data_length
  if (pts !== undefined) {
    writeTimestamp(target, offset + 9, dts === undefined ? 2 : 3, pts);
    if (dts !== undefined) writeTimestamp(target, offset + 9 + TS_TIMESTAMP_BYTES, 1, dts);
  }
  return offset + size;
}

/**
 * Reads the PES header at `offset`.
 *
 * @returns undefined when the bytes end inside it, which is a normal answer.
 * @throws MediaError `bad-value` when no PES packet begins there, or its lengths contradict each other.
 */
export function parsePesHeader(
  bytes: Uint8Array,
  offset = 0,
  end = bytes.length,
): TsParsedPesHeader | undefined {
  const there = end - offset;
  if (there < LENGTH_FIELD_END) return undefined;
  if (bytes[offset] !== 0 || bytes[offset + 1] !== 0 || bytes[offset + 2] !== 1) {
    throw new MediaError('bad-value', `no packet_start_code_prefix at offset ${offset}`);
  }
  const streamId = bytes[offset + 3] ?? 0; // stream_id
  const packetLength = ((bytes[offset + 4] ?? 0) << 8) | (bytes[offset + 5] ?? 0); // PES_packet_length
  if (WITHOUT_HEADER.includes(streamId)) {
    return {
      streamId,
      payloadLength: packetLength,
      dataAlignment: false,
      pts: undefined,
      dts: undefined,
      headerBytes: LENGTH_FIELD_END,
    };
  }
  if (there < TS_PES_FIXED_BYTES) return undefined;
  const flags = bytes[offset + 6] ?? 0; // '10', PES_scrambling_control, …, data_alignment_indicator, …
  if ((flags & 0xc0) !== 0x80) {
    throw new MediaError('bad-value', `a PES header's flags begin with ${flags >> 6}, wanted 2`);
  }
  const headerDataLength = bytes[offset + 8] ?? 0; // PES_header_data_length
  const headerBytes = TS_PES_FIXED_BYTES + headerDataLength;
  if (packetLength !== 0 && packetLength + LENGTH_FIELD_END < headerBytes) {
    throw new MediaError(
      'bad-value',
      `PES_packet_length is ${packetLength}, the header alone has ${headerBytes - LENGTH_FIELD_END}`,
    );
  }
  if (there < headerBytes) return undefined;
  const timeFlags = (bytes[offset + 7] ?? 0) >> 6; // PTS_DTS_flags
  const hasPts = timeFlags >= 2 && headerDataLength >= TS_TIMESTAMP_BYTES;
  const hasDts = timeFlags === 3 && headerDataLength >= 2 * TS_TIMESTAMP_BYTES;
  return {
    streamId,
    payloadLength: packetLength === 0 ? undefined : packetLength + LENGTH_FIELD_END - headerBytes,
    dataAlignment: (flags & 0x04) !== 0,
    pts: hasPts ? readTimestamp(bytes, offset + TS_PES_FIXED_BYTES) : undefined,
    dts: hasDts ? readTimestamp(bytes, offset + TS_PES_FIXED_BYTES + TS_TIMESTAMP_BYTES) : undefined,
    headerBytes,
  };
}
