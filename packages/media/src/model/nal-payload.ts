import { annexBUnits, startsWithStartCode } from '../avc/index.ts';

/** Bytes of the length in front of each NAL unit of a packet's payload. */
export const NAL_LENGTH_BYTES = 4;

const NOTHING = new Uint8Array(0);
/** A loop copies fewer bytes than this quicker than `set()` of a view does. */
const FEW_BYTES = 64;

/**
 * The NAL units of a coded frame, each behind a length of four bytes: `bytes` itself where it has that form; a part of
 * it when bytes that make no unit follow the last whole one; a copy, without empty units, when the publisher sends start
 * codes or shorter lengths. A last unit that is cut is left out where whole ones are before it, as ffmpeg does.
 *
 * The cost is linear in the number of bytes, whatever they are.
 *
 * @param lengthSize - bytes of the lengths that the decoder configuration says
 * @returns no bytes when no unit is whole, or all are empty
 */
export function nalPayload(bytes: Uint8Array, lengthSize: 1 | 2 | 4): Uint8Array {
  const whole = wholeUnitsEnd(bytes, lengthSize);
  const isLong = lengthSize === NAL_LENGTH_BYTES;
  if (whole === bytes.length && isLong) return bytes;
  if (areStartCodes(bytes, lengthSize, whole)) {
    const converted = fromAnnexB(bytes);
    if (converted.length > 0) return converted;
  }
  if (whole === 0) return NOTHING;
  return isLong ? bytes.subarray(0, whole) : lengthened(bytes, whole, lengthSize);
}

/**
 * Whether NAL units have start codes in front of them rather than lengths.
 *
 * @param lengthSize - bytes of the lengths that the decoder configuration says
 */
export function hasStartCodes(bytes: Uint8Array, lengthSize: 1 | 2 | 4): boolean {
  return startsWithStartCode(bytes) && areStartCodes(bytes, lengthSize, wholeUnitsEnd(bytes, lengthSize));
}

/** @param whole - what {@link wholeUnitsEnd} says */
function areStartCodes(bytes: Uint8Array, lengthSize: number, whole: number): boolean {
  if (!startsWithStartCode(bytes)) return false;
  // Shorter lengths would begin with an empty unit.
  if (lengthSize !== NAL_LENGTH_BYTES) return true;
  // A length of 256 to 511 looks like a start code of three bytes: then few bytes follow the last whole unit, if any.
  const rest = bytes.length - whole;
  return rest > 0 && !(bytes[2] === 1 && whole > 0 && rest < NAL_LENGTH_BYTES);
}

/** Where the last unit ends that is all there; 0 when not even one has a byte. */
function wholeUnitsEnd(bytes: Uint8Array, lengthSize: number): number {
  let offset = 0;
  let whole = 0;
  while (offset + lengthSize <= bytes.length) {
    const length = lengthAt(bytes, offset, lengthSize);
    offset += lengthSize + length;
    if (offset > bytes.length) break;
    // Units without a byte behind the last real one are padding.
    if (length > 0 || (whole > 0 && offset === bytes.length)) whole = offset;
  }
  return whole;
}

/** Two walks, for the size and for the bytes: a list of units could be many times larger than what it is made of. */
function fromAnnexB(bytes: Uint8Array): Uint8Array {
  let size = 0;
  for (const { start, end } of annexBUnits(bytes)) size += NAL_LENGTH_BYTES + end - start;
  const target = new Uint8Array(size);
  let offset = 0;
  for (const { start, end } of annexBUnits(bytes)) offset = writeUnit(target, offset, bytes, start, end);
  return target;
}

function lengthened(bytes: Uint8Array, end: number, lengthSize: number): Uint8Array {
  let size = 0;
  for (let offset = 0; offset < end;) {
    const length = lengthAt(bytes, offset, lengthSize);
    if (length > 0) size += NAL_LENGTH_BYTES + length;
    offset += lengthSize + length;
  }
  const target = new Uint8Array(size);
  let written = 0;
  for (let offset = 0; offset < end;) {
    const start = offset + lengthSize;
    offset = start + lengthAt(bytes, offset, lengthSize);
    if (offset > start) written = writeUnit(target, written, bytes, start, offset);
  }
  return target;
}

/** @returns the offset behind the unit */
function writeUnit(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  target[at] = length >>> 24;
  target[at + 1] = (length >>> 16) & 0xff;
  target[at + 2] = (length >>> 8) & 0xff;
  target[at + 3] = length & 0xff;
  const to = at + NAL_LENGTH_BYTES;
  if (length >= FEW_BYTES) target.set(bytes.subarray(start, end), to);
  else for (let index = 0; index < length; index += 1) target[to + index] = bytes[start + index] ?? 0;
  return to + length;
}

function lengthAt(bytes: Uint8Array, offset: number, lengthSize: number): number {
  let length = 0;
  for (let index = 0; index < lengthSize; index += 1) length = length * 256 + (bytes[offset + index] ?? 0);
  return length;
}
