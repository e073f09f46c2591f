import { MediaError } from '../errors.ts';

/** Where a NAL unit lies in the bytes it was found in: header byte first, no start code, no length field. */
export interface NalRange {
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** How many bytes a length field in front of each NAL unit has (ISO/IEC 14496-15, lengthSizeMinusOne + 1). */
export type NalLengthSize = 1 | 2 | 4;

/**
 * Walks the NAL units of a byte stream with start codes (ITU-T H.264 and H.265 Annex B). Bytes in front of the first
 * start code, and empty units, are passed over; trailing zero bytes belong to no unit. The last unit ends where the
 * bytes end.
 *
 * @throws MediaError `bad-value` unless 0 <= start <= end <= bytes.length.
 */
export function* annexBUnits(bytes: Uint8Array, start = 0, end = bytes.length): Generator<NalRange, void> {
  checkRange(bytes, start, end);
  let unitStart = afterStartCode(bytes, start, end);
  while (unitStart !== undefined) {
    const next = afterStartCode(bytes, unitStart, end);
    let unitEnd = next === undefined ? end : next - 3;
    while (unitEnd > unitStart && bytes[unitEnd - 1] === 0) unitEnd--;
    if (unitEnd > unitStart) yield { start: unitStart, end: unitEnd };
    unitStart = next;
  }
}

/**
 * Walks NAL units that have their length in front of each (ISO/IEC 14496-15). Empty units are passed over.
 *
 * @throws MediaError `short-read` when a length says more than there is, or is itself cut; `bad-value` unless
 * 0 <= start <= end <= bytes.length.
 */
export function* lengthPrefixedUnits(
  bytes: Uint8Array,
  lengthSize: NalLengthSize,
  start = 0,
  end = bytes.length,
): Generator<NalRange, void> {
  checkRange(bytes, start, end);
  let offset = start;
  while (offset < end) {
    if (end - offset < lengthSize) {
      throw new MediaError(
        'short-read',
        `NAL unit length at ${offset}: ${lengthSize} bytes wanted, ${end - offset} there`,
      );
    }
    let length = 0;
    for (let i = 0; i < lengthSize; i++) length = length * 256 + (bytes[offset + i] ?? 0);
    const unitStart = offset + lengthSize;
    if (length > end - unitStart) {
      throw new MediaError(
        'short-read',
        `NAL unit at ${unitStart}: ${length} bytes wanted, ${end - unitStart} there`,
      );
    }
    offset = unitStart + length;
    if (length > 0) yield { start: unitStart, end: offset };
  }
}

/** True when the bytes begin with a start code, 00 00 01 or 00 00 00 01 (SRS's h264_startswith_annexb). */
export function startsWithStartCode(bytes: Uint8Array, start = 0): boolean {
  if (bytes[start] !== 0 || bytes[start + 1] !== 0) return false;
  return bytes[start + 2] === 1 || (bytes[start + 2] === 0 && bytes[start + 3] === 1);
}

/** The NAL units as new bytes, each behind a length field of `lengthSize` bytes (ISO/IEC 14496-15). */
export function buildLengthPrefixed(units: readonly Uint8Array[], lengthSize: NalLengthSize = 4): Uint8Array {
  let size = 0;
  for (const unit of units) {
    if (unit.length >= 256 ** lengthSize) {
      throw new MediaError(
        'limit-exceeded',
        `a NAL unit of ${unit.length} bytes does not fit a length field of ${lengthSize} bytes`,
      );
    }
    size += lengthSize + unit.length;
  }
  const result = new Uint8Array(size);
  let offset = 0;
  for (const unit of units) {
    for (let i = lengthSize - 1; i >= 0; i--) result[offset++] = Math.floor(unit.length / 256 ** i) & 0xff;
    result.set(unit, offset);
    offset += unit.length;
  }
  return result;
}

/** The NAL units as new bytes, each behind a start code of four bytes (Annex B). */
export function buildAnnexB(units: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const unit of units) size += 4 + unit.length;
  const result = new Uint8Array(size);
  let offset = 0;
  for (const unit of units) {
    result[offset + 3] = 1;
    result.set(unit, offset + 4);
    offset += 4 + unit.length;
  }
  return result;
}

/**
 * The payload of a NAL unit without its emulation_prevention_three_byte bytes (ITU-T H.264 clause 7.3.1, H.265 clause
 * 7.3.1.1): a view when there are none, else a copy.
 */
export function removeEmulationPrevention(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Uint8Array {
  let found = nextEmulationPrevention(bytes, start, end);
  if (found < 0) return bytes.subarray(start, end);
  const result = new Uint8Array(end - start - 1);
  let length = 0;
  let copied = start;
  while (found >= 0) {
    result.set(bytes.subarray(copied, found), length);
    length += found - copied;
    copied = found + 1;
    found = nextEmulationPrevention(bytes, copied, end);
  }
  result.set(bytes.subarray(copied, end), length);
  return result.subarray(0, length + end - copied);
}

/** The payload with emulation_prevention_three_byte bytes put in wherever a start code would appear; new bytes. */
export function addEmulationPrevention(payload: Uint8Array): Uint8Array {
  // Each byte put in follows two zero bytes of the payload.
  const result = new Uint8Array(payload.length + (payload.length >> 1) + 1);
  let length = 0;
  let zeros = 0;
  for (const byte of payload) {
    if (zeros === 2 && byte <= 3) {
      result[length++] = 3;
      zeros = 0;
    }
    result[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  // A NAL unit never ends with a zero byte (clause 7.4.1).
  if (zeros > 0) result[length++] = 3;
  return result.subarray(0, length);
}

/** The offset behind the next start code (00 00 01), or undefined. */
function afterStartCode(bytes: Uint8Array, from: number, end: number): number | undefined {
  let position = bytes.indexOf(1, from + 2);
  while (position >= 0 && position < end) {
    if (bytes[position - 1] === 0 && bytes[position - 2] === 0) return position + 1;
    position = bytes.indexOf(1, position + 1);
  }
  return undefined;
}

function nextEmulationPrevention(bytes: Uint8Array, from: number, end: number): number {
  let position = bytes.indexOf(3, from + 2);
  while (position >= 0 && position < end) {
    if (bytes[position - 1] === 0 && bytes[position - 2] === 0) return position;
    position = bytes.indexOf(3, position + 1);
  }
  return -1;
}

function checkRange(bytes: Uint8Array, start: number, end: number): void {
  if (!(start >= 0 && start <= end && end <= bytes.length)) {
    throw new MediaError('bad-value', `range ${start}..${end} is not within ${bytes.length} bytes`);
  }
}
