import { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { MP4_LIMITS } from './limits.ts';
import type { ReadSteps, ReadWindow } from './read-steps.ts';

/** Where a box lies: in bytes from the start of the file, or of the bytes that hold it. */
export interface BoxRange {
  /** Four characters, one for each byte. */
  readonly type: string;
  /** First byte of the header. */
  readonly start: number;
  /** First byte behind the header. */
  readonly body: number;
  /** One past the last byte. On the top level it may lie behind the end of a file that is cut. */
  readonly end: number;
}

const HEADER_BYTES = 8;
const LONG_HEADER_BYTES = 16;
const MAX_HIGH_WORD = 0x1fffff;

/**
 * Reads a box header (ISO/IEC 14496-12 clause 4.2).
 *
 * @param bytes The header's bytes; 16 where there are so many.
 * @param start Where the box begins, for the range that comes out.
 * @param limit Where it ends when its size says `up to the end`.
 * @throws MediaError `short-read` when the header is cut, `bad-value` for a size that is none.
 */
function parseBoxHeader(bytes: Uint8Array, start: number, limit: number): BoxRange {
  const reader = new ByteReader(bytes);
  const size = reader.u32(); // size
  const type = readType(reader); // type
  if (size === 0) return { type, start, body: start + HEADER_BYTES, end: limit };
  if (size !== 1) {
    if (size < HEADER_BYTES) throw new MediaError('bad-value', `a box of ${size} bytes, a header has 8`);
    return { type, start, body: start + HEADER_BYTES, end: start + size };
  }
  const longSize = readU64(reader); // largesize
  if (longSize < LONG_HEADER_BYTES) {
    throw new MediaError('bad-value', `a box of ${longSize} bytes, its header has 16`);
  }
  return { type, start, body: start + LONG_HEADER_BYTES, end: start + longSize };
}

/** 64 bits without a sign. @throws MediaError `bad-value` over 2^53 - 1. */
export function readU64(reader: ByteReader): number {
  const high = reader.u32();
  const low = reader.u32();
  if (high > MAX_HIGH_WORD) throw new MediaError('bad-value', 'a 64-bit number over 2^53 - 1');
  return high * 0x100000000 + low;
}

/** Four bytes as characters. */
export function readType(reader: ByteReader): string {
  return String.fromCharCode(reader.u8(), reader.u8(), reader.u8(), reader.u8());
}

/**
 * The boxes inside a box.
 *
 * @throws MediaError `short-read` when one goes over the end of its parent, `bad-value` for a size that is none,
 * `limit-exceeded` for too many. Up to seven bytes of padding behind the last box are passed over.
 */
export function* childBoxes(bytes: Uint8Array, start: number, end: number): Generator<BoxRange, void> {
  let at = start;
  let count = 0;
  while (end - at >= HEADER_BYTES) {
    if (++count > MP4_LIMITS.siblingBoxes) {
      throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.siblingBoxes} boxes in one box`);
    }
    const box = parseBoxHeader(bytes.subarray(at, Math.min(at + LONG_HEADER_BYTES, end)), at, end);
    if (box.end > end) {
      throw new MediaError('short-read', `a ${box.type} box ends at ${box.end}, its parent at ${end}`);
    }
    yield box;
    at = box.end;
  }
}

/** The first box of a type inside a box; undefined when there is none. @throws MediaError as {@link childBoxes}. */
export function findBox(bytes: Uint8Array, parent: BoxRange, type: string): BoxRange | undefined {
  for (const child of childBoxes(bytes, parent.body, parent.end)) {
    if (child.type === type) return child;
  }
  return undefined;
}

/** As {@link findBox}. @throws MediaError `bad-value` when there is none. */
export function requireBox(bytes: Uint8Array, parent: BoxRange, type: string): BoxRange {
  const found = findBox(bytes, parent, type);
  if (found === undefined) throw new MediaError('bad-value', `a ${parent.type} box without ${type}`);
  return found;
}

/** The fields of a box with version and flags. */
export interface FullBoxFields {
  readonly version: number;
  readonly flags: number;
  /** Stands behind the flags. */
  readonly reader: ByteReader;
}

/** Opens a box with version and flags. @throws MediaError `short-read`. */
export function openFullBox(bytes: Uint8Array, box: BoxRange): FullBoxFields {
  const reader = new ByteReader(bytes, box.body, box.end);
  const version = reader.u8(); // version
  const flags = reader.u24(); // flags
  return { version, flags, reader };
}

/**
 * The header of the box at `offset` of a file; undefined at the end of the file, and where less than a header is
 * left.
 *
 * @throws MediaError `bad-value` when there is no box.
 */
export function* topLevelBox(window: ReadWindow, offset: number): ReadSteps<BoxRange | undefined> {
  const left = window.fileSize - offset;
  if (left < HEADER_BYTES) return undefined;
  const bytes = yield* window.read(offset, Math.min(left, LONG_HEADER_BYTES));
  if (left < LONG_HEADER_BYTES && bytes[3] === 1 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0) {
    return undefined;
  }
  for (let index = 4; index < HEADER_BYTES; index++) {
    const byte = bytes[index] ?? 0;
    // QuickTime's types may begin with ©.
    if ((byte < 0x20 || byte > 0x7e) && byte !== 0xa9) {
      throw new MediaError('bad-value', `no box at offset ${offset}: this is no MP4, or it is damaged there`);
    }
  }
  return parseBoxHeader(bytes, offset, window.fileSize);
}

/**
 * The bytes of a whole box.
 *
 * @throws MediaError `limit-exceeded` when it has over `limit` bytes, `short-read` when the file ends before.
 */
export function* readWholeBox(window: ReadWindow, box: BoxRange, limit: number): ReadSteps<Uint8Array> {
  const size = box.end - box.start;
  if (size > limit) {
    throw new MediaError('limit-exceeded', `a ${box.type} box of ${size} bytes, the limit is ${limit}`);
  }
  return yield* window.read(box.start, size);
}
