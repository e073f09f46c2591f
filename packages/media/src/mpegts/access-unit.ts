import { AvcNalType, avcNalType } from '../avc/index.ts';
import { MediaError } from '../errors.ts';
import { HevcNalType, hevcNalType } from '../hevc/index.ts';
import type { TsVideoCodec } from './constants.ts';

/** One picture, as FLV and MP4 have it. */
export interface TsVideoUnit {
  /** Decoding time in ms, 0 or more; it may have a fraction, and may grow without end. */
  readonly dts: number;
  /** Presentation time in ms, as it is written; the decoding times may have to go by a {@link TsDecodeClock}. */
  readonly pts: number;
  /** A decoder can start here. */
  readonly keyframe: boolean;
  /** NAL units with their lengths in front (ISO/IEC 14496-15). Read during the call only. */
  readonly data: Uint8Array;
  /** Bytes of each length: 1, 2 or 4. */
  readonly nalLengthSize: number;
  /** VPS, SPS and PPS, raw NAL units, in that order: they go in front of each keyframe. */
  readonly parameterSets: readonly Uint8Array[];
}

/** Access unit delimiters with their start codes: a picture of any type (H.264 Table 7-5, H.265 Table 7-2). */
const AVC_DELIMITER = Uint8Array.of(0, 0, 0, 1, AvcNalType.accessUnitDelimiter, 0xf0);
const HEVC_DELIMITER = Uint8Array.of(0, 0, 0, 1, HevcNalType.accessUnitDelimiter << 1, 1, 0x50);
/** A zero_byte is asked for in front of parameter sets and the first NAL unit (H.264 and H.265 clause B.1.2). */
const LONG_START_CODE_BYTES = 4;
const SHORT_START_CODE_BYTES = 3;

/**
 * Bytes of the picture as an access unit of a byte stream: see {@link writeAccessUnit}.
 *
 * @returns 0 when no NAL unit is left that makes a picture.
 * @throws MediaError `short-read` when a NAL unit's length says more than there is, `bad-value` for a size of lengths
 * that is not 1, 2 or 4.
 */
export function accessUnitSize(codec: TsVideoCodec, unit: TsVideoUnit): number {
  const { data, nalLengthSize, parameterSets, keyframe } = unit;
  if (nalLengthSize !== 1 && nalLengthSize !== 2 && nalLengthSize !== 4) {
    throw new MediaError('bad-value', `NAL unit lengths of ${nalLengthSize} bytes, wanted 1, 2 or 4`);
  }
  let size = 0;
  let offset = 0;
  let hasPicture = false;
  while (offset < data.length) {
    const start = offset + nalLengthSize;
    if (start > data.length) {
      throw new MediaError(
        'short-read',
        `NAL unit length at ${offset}: ${nalLengthSize} bytes wanted, ${data.length - offset} there`,
      );
    }
    const length = readLength(data, offset, nalLengthSize);
    if (length > data.length - start) {
      throw new MediaError(
        'short-read',
        `NAL unit at ${start}: ${length} bytes wanted, ${data.length - start} there`,
      );
    }
    if (isCarried(codec, data, start, length, keyframe && parameterSets.length > 0)) {
      size += SHORT_START_CODE_BYTES + length;
      hasPicture ||= !isParameterSet(codec, data[start] ?? 0);
    }
    offset = start + length;
  }
  if (!hasPicture) return 0;
  size += delimiterOf(codec).length;
  if (keyframe) {
    for (const parameterSet of parameterSets) size += LONG_START_CODE_BYTES + parameterSet.length;
  }
  return size;
}

/**
 * Writes the picture as an access unit of a byte stream (ITU-T H.264 and H.265 Annex B): a delimiter first, the
 * parameter sets next when it is a keyframe, then its NAL units. Delimiters in the body are dropped, and so are
 * the parameter sets of a keyframe, unless there are none to put in their place. Those of other pictures may be
 * new ones.
 *
 * The unit was measured by {@link accessUnitSize} before, and `target` has the room.
 *
 * @returns the offset behind it.
 */
export function writeAccessUnit(
  target: Uint8Array,
  at: number,
  codec: TsVideoCodec,
  unit: TsVideoUnit,
): number {
  const { data, nalLengthSize, parameterSets, keyframe } = unit;
  const delimiter = delimiterOf(codec);
  target.set(delimiter, at);
  let to = at + delimiter.length;
  if (unit.keyframe) {
    for (const parameterSet of parameterSets) {
      target[to++] = 0;
      to = writeNalUnit(target, to, parameterSet);
    }
  }
  let offset = 0;
  while (offset < data.length) {
    const start = offset + nalLengthSize;
    const length = readLength(data, offset, nalLengthSize);
    offset = start + length;
    if (isCarried(codec, data, start, length, keyframe && parameterSets.length > 0)) {
      to = writeNalUnit(target, to, data.subarray(start, offset));
    }
  }
  return to;
}

function delimiterOf(codec: TsVideoCodec): Uint8Array {
  return codec === 'h264' ? AVC_DELIMITER : HEVC_DELIMITER;
}

function writeNalUnit(target: Uint8Array, offset: number, unit: Uint8Array): number {
  target[offset] = 0;
  target[offset + 1] = 0;
  target[offset + 2] = 1;
  target.set(unit, offset + SHORT_START_CODE_BYTES);
  return offset + SHORT_START_CODE_BYTES + unit.length;
}

function readLength(data: Uint8Array, offset: number, size: number): number {
  let length = 0;
  for (let i = 0; i < size; i++) length = length * 256 + (data[offset + i] ?? 0);
  return length;
}

/**
 * Whether a NAL unit of the body goes into the access unit.
 *
 * @param replaced - other parameter sets are written in the place of its own
 */
function isCarried(
  codec: TsVideoCodec,
  data: Uint8Array,
  start: number,
  length: number,
  replaced: boolean,
): boolean {
  if (length === 0) return false;
  const header = data[start] ?? 0;
  const isDelimiter =
    codec === 'h264'
      ? avcNalType(header) === AvcNalType.accessUnitDelimiter
      : hevcNalType(header) === HevcNalType.accessUnitDelimiter;
  return !isDelimiter && !(replaced && isParameterSet(codec, header));
}

function isParameterSet(codec: TsVideoCodec, header: number): boolean {
  if (codec === 'h264') {
    const type = avcNalType(header);
    return type === AvcNalType.sps || type === AvcNalType.pps;
  }
  const type = hevcNalType(header);
  return type >= HevcNalType.vps && type <= HevcNalType.pps;
}
