import { MediaError } from '../errors.ts';

/** Something with a size that is known before it is written: a field, a table or a whole box. */
export interface Mp4Part {
  /** Bytes. */
  readonly size: number;
  /** Writes exactly {@link size} bytes at `offset`. */
  write(view: DataView, offset: number): void;
  /** The parts that it consists of, in order; undefined for a part that is one. */
  readonly parts?: readonly Mp4Part[];
  /** Of a table that may be long: what writes it a few rows at a time. */
  readonly rows?: TableRows;
}

/** Rows of a table, all of the same width. */
export interface TableRows {
  /** Bytes of a row. */
  readonly width: number;
  /** How many there are. */
  readonly count: number;
  /** Begins at the first row: each call of the result writes the next row at `offset`. */
  begin(): (view: DataView, offset: number) => void;
}

const BOX_HEADER_BYTES = 8;
const MAX_BOX_BYTES = 0xffffffff;
const TWO_TO_32 = 0x100000000;

/** A box (ISO/IEC 14496-12 clause 4.2): its size, its type and what it holds, in this order. */
export function box(type: string, ...parts: readonly Mp4Part[]): Mp4Part {
  let size = BOX_HEADER_BYTES;
  for (const part of parts) size += part.size;
  const all = [boxHeader(type, size), ...parts];
  return {
    size,
    parts: all,
    write(view, offset) {
      let at = offset;
      for (const part of all) {
        part.write(view, at);
        at += part.size;
      }
    },
  };
}

function boxHeader(type: string, size: number): Mp4Part {
  return {
    size: BOX_HEADER_BYTES,
    write(view, offset) {
      if (size > MAX_BOX_BYTES) {
        throw new MediaError(
          'limit-exceeded',
          `a ${type} box of ${size} bytes, 32 bits hold ${MAX_BOX_BYTES}`,
        );
      }
      view.setUint32(offset, size); // size
      writeType(view, offset + 4, type); // type
    },
  };
}

/** A box with a version and flags (ISO/IEC 14496-12 clause 4.2). */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Mp4Part[]): Mp4Part {
  return box(type, u32(version * 0x1000000 + flags), ...parts);
}

/** 8 bits. @throws MediaError `bad-value`, like all fields here, when the value does not fit. */
export function u8(value: number): Mp4Part {
  checkRange(value, 0, 0xff);
  return { size: 1, write: (view, offset) => view.setUint8(offset, value) };
}

/** 16 bits. */
export function u16(value: number): Mp4Part {
  checkRange(value, 0, 0xffff);
  return { size: 2, write: (view, offset) => view.setUint16(offset, value) };
}

/** 32 bits. */
export function u32(value: number): Mp4Part {
  checkRange(value, 0, 0xffffffff);
  return { size: 4, write: (view, offset) => view.setUint32(offset, value) };
}

/** 32 bits with a sign. */
export function i32(value: number): Mp4Part {
  checkRange(value, -0x80000000, 0x7fffffff);
  return { size: 4, write: (view, offset) => view.setInt32(offset, value) };
}

/** 64 bits, up to 2^53 - 1. */
export function u64(value: number): Mp4Part {
  checkRange(value, 0, Number.MAX_SAFE_INTEGER);
  return { size: 8, write: (view, offset) => writeU64(view, offset, value) };
}

/** A number with 16 bits behind the point. */
export function fixed16(value: number): Mp4Part {
  return u32(Math.round(value * 0x10000));
}

/** So many bytes of zero: `reserved` and `pre_defined` fields. */
export function zeros(size: number): Mp4Part {
  return { size, write: (view, offset) => bytesOf(view, offset, size).fill(0) };
}

/** Bytes as they are; they are copied when the tree is written. */
export function raw(bytes: Uint8Array): Mp4Part {
  return { size: bytes.length, write: (view, offset) => bytesOf(view, offset, bytes.length).set(bytes) };
}

/** Characters of ASCII, without an end mark. */
export function ascii(text: string): Mp4Part {
  return {
    size: text.length,
    write(view, offset) {
      for (let index = 0; index < text.length; index++) view.setUint8(offset + index, text.charCodeAt(index));
    },
  };
}

/** A table that writes itself: `write` gets the view and the offset of its first byte. */
export function table(size: number, write: (view: DataView, offset: number) => void): Mp4Part {
  return { size, write };
}

/** A table of many rows, which {@link buildInPieces} writes a few at a time. */
export function longTable(rows: TableRows): Mp4Part {
  const { width, count } = rows;
  return {
    size: width * count,
    rows,
    write(view, offset) {
      const writeRow = rows.begin();
      for (let index = 0; index < count; index++) writeRow(view, offset + index * width);
    },
  };
}

/** All the parts in one new piece of memory of the exact size. */
export function buildParts(...parts: readonly Mp4Part[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.size;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const part of parts) {
    part.write(view, offset);
    offset += part.size;
  }
  return bytes;
}

/**
 * What {@link buildParts} makes, in pieces of `pieceBytes` (the last one has the rest), each in new memory. Only so
 * much is done for a piece as it has bytes: the caller may do other work in between.
 *
 * @param pieceBytes No part other than a long table, and no row of one, may be larger.
 */
export function* buildInPieces(whole: Mp4Part, pieceBytes: number): Generator<Uint8Array<ArrayBuffer>, void> {
  let left = whole.size;
  let view = new DataView(new ArrayBuffer(Math.min(left, pieceBytes)));
  let used = 0;
  function takePiece(): Uint8Array<ArrayBuffer> {
    const piece = new Uint8Array(view.buffer, 0, used);
    left -= used;
    used = 0;
    view = new DataView(new ArrayBuffer(Math.min(left, pieceBytes)));
    return piece;
  }
  for (const part of simpleParts(whole)) {
    if (part.rows === undefined) {
      if (used + part.size > view.byteLength) yield takePiece();
      part.write(view, used);
      used += part.size;
      continue;
    }
    const { width, count } = part.rows;
    const writeRow = part.rows.begin();
    for (let written = 0; written < count;) {
      const fitting = Math.min(count - written, Math.floor((view.byteLength - used) / width));
      for (let index = 0; index < fitting; index++) writeRow(view, used + index * width);
      used += fitting * width;
      written += fitting;
      if (written < count) yield takePiece();
    }
  }
  if (used > 0) yield takePiece();
}

/** A part as those that have no parts themselves. */
function simpleParts(part: Mp4Part): Mp4Part[] {
  return part.parts === undefined ? [part] : part.parts.flatMap(simpleParts);
}

/** Writes 64 bits; the value is an integer 0..2^53 - 1. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / TWO_TO_32));
  view.setUint32(offset + 4, value % TWO_TO_32);
}

function writeType(view: DataView, offset: number, type: string): void {
  for (let index = 0; index < 4; index++) view.setUint8(offset + index, type.charCodeAt(index));
}

function bytesOf(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length);
}

function checkRange(value: number, minimum: number, maximum: number): void {
  if (!(Number.isInteger(value) && value >= minimum && value <= maximum)) {
    throw new MediaError('bad-value', `wanted an integer ${minimum}..${maximum}, got ${value}`);
  }
}
