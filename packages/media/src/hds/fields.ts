import { type ByteReader, ByteWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** Bytes of a box header with a size of 32 bits. */
export const BOX_HEADER_BYTES = 8;
/** The most bytes that a string of a bootstrap may have. */
export const MAX_STRING_BYTES = 65_535;
/** The most entries that a field of 8 bits counts. */
const MAX_ENTRIES = 255;
const TWO_TO_32 = 0x1_0000_0000;

/** A box that was found (Adobe F4V 10.1, clause 1.3). */
export interface BootstrapBox {
  readonly type: string;
  /** Where its payload begins. */
  readonly start: number;
  /** One past its last byte. */
  readonly end: number;
}

/**
 * Reads the header of the box at the reader's position, which is left behind the header.
 *
 * @throws MediaError `short-read` when the header is cut or the box is longer than what is there, `bad-value` when its
 * size is less than its header.
 */
export function readBox(reader: ByteReader): BootstrapBox {
  const from = reader.offset;
  let size = reader.u32(); // TotalSize
  const type = reader.utf8(4); // BoxType
  if (size === 1) size = readBootstrapU64(reader); // ExtendedSize
  const header = reader.offset - from;
  if (size < header)
    throw new MediaError('bad-value', `a ${type} box of ${size} bytes, its header has ${header}`);
  if (from + size > reader.end) {
    throw new MediaError('short-read', `a ${type} box of ${size} bytes, ${reader.end - from} there`);
  }
  return { type, start: reader.offset, end: from + size };
}

/**
 * Reads a box header that has to be of one type.
 *
 * @throws MediaError as {@link readBox}, and `bad-value` for another type.
 */
export function expectBox(reader: ByteReader, type: string): BootstrapBox {
  const found = readBox(reader);
  if (found.type !== type) throw new MediaError('bad-value', `a ${type} box is wanted, got ${found.type}`);
  return found;
}

/** A box with its payload, as new bytes. */
export function buildBox(type: string, payload: Uint8Array): Uint8Array {
  return new ByteWriter(BOX_HEADER_BYTES + payload.length)
    .u32(BOX_HEADER_BYTES + payload.length)
    .utf8(type)
    .bytes(payload)
    .finish();
}

/** Reads 64 bits. @throws MediaError `bad-value` above 2^53 - 1, which a number can't say exactly. */
export function readBootstrapU64(reader: ByteReader): number {
  const value = reader.u32() * TWO_TO_32 + reader.u32();
  if (!Number.isSafeInteger(value)) throw new MediaError('bad-value', `${value} is more than 2^53 - 1`);
  return value;
}

/** Writes 64 bits. @throws MediaError `bad-value` unless it is a whole number from 0 to 2^53 - 1. */
export function writeBootstrapU64(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new MediaError('bad-value', `${value} is not an integer in 0..2^53 - 1`);
  }
  writer.u32(Math.floor(value / TWO_TO_32)).u32(value % TWO_TO_32);
}

/** Reads a string that ends with a zero byte. @throws MediaError `limit-exceeded` beyond {@link MAX_STRING_BYTES}. */
export function readString(reader: ByteReader): string {
  const bytes: number[] = [];
  for (let byte = reader.u8(); byte !== 0; byte = reader.u8()) {
    if (bytes.length >= MAX_STRING_BYTES) {
      throw new MediaError('limit-exceeded', `a string of more than ${MAX_STRING_BYTES} bytes`);
    }
    bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Writes a string and its zero byte. @throws MediaError `bad-value` when it has such a byte inside. */
export function writeString(writer: ByteWriter, text: string): void {
  if (text.includes('\0')) throw new MediaError('bad-value', 'a zero byte would end the string');
  writer.utf8(text).u8(0);
}

/** Reads a count of 8 bits and as many strings. */
export function readStrings(reader: ByteReader): string[] {
  const count = reader.u8();
  const strings: string[] = [];
  for (let index = 0; index < count; index += 1) strings.push(readString(reader));
  return strings;
}

/** Writes a count of 8 bits and as many strings. @throws MediaError `limit-exceeded` for more than 255. */
export function writeStrings(writer: ByteWriter, strings: readonly string[]): void {
  writer.u8(checkedCount(strings.length));
  for (const text of strings) writeString(writer, text);
}

/** A count that goes into 8 bits. @throws MediaError `limit-exceeded` for more than 255. */
export function checkedCount(count: number): number {
  if (count > MAX_ENTRIES) {
    throw new MediaError('limit-exceeded', `${count} entries, the table holds ${MAX_ENTRIES}`);
  }
  return count;
}

/** Bytes of a table's entries are there. @throws MediaError `short-read` before any memory is taken for them. */
export function checkTable(reader: ByteReader, count: number, entryBytes: number, end: number): void {
  if (count * entryBytes > end - reader.offset) {
    throw new MediaError(
      'short-read',
      `${count} entries of ${entryBytes} bytes or more are wanted, ${end - reader.offset} bytes there`,
    );
  }
}
