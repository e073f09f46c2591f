import { crc32Mpeg } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';

/** table_id of the tables that this library reads and makes (ISO/IEC 13818-1 Table 2-31). */
export const TsTableId = {
  programAssociation: 0x00,
  programMap: 0x02,
} as const;

/** A value of {@link TsTableId}. */
export type TsTableId = (typeof TsTableId)[keyof typeof TsTableId];

/** The fields that sections of both tables have. */
export interface TsSectionFields {
  /** version_number, 0..31: another one says that the table has changed. */
  readonly version: number;
  /** current_next_indicator: false when the table is not in force yet. */
  readonly current: boolean;
  /** section_number, 0..255. */
  readonly sectionNumber: number;
  /** last_section_number, 0..255. */
  readonly lastSectionNumber: number;
}

/** A section of the program association table (ISO/IEC 13818-1 clause 2.4.4.3). */
export interface TsPat extends TsSectionFields {
  /** transport_stream_id, 0..65535. */
  readonly transportStreamId: number;
  /** program_number and the PID of its PMT; number 0 names the PID of the network's own table. */
  readonly programs: readonly { readonly programNumber: number; readonly pid: number }[];
}

/** One elementary stream of a program. */
export interface TsPmtStream {
  /** stream_type, 0..255: of {@link TsStreamType} or any other. */
  readonly streamType: number;
  /** elementary_PID. */
  readonly pid: number;
  /** The loop of descriptors, as bytes. */
  readonly descriptors: Uint8Array;
}

/** A section of a program map table (ISO/IEC 13818-1 clause 2.4.4.8). */
export interface TsPmt extends TsSectionFields {
  /** program_number, 0..65535. */
  readonly programNumber: number;
  /** PCR_PID; 0x1FFF when the program has none. */
  readonly pcrPid: number;
  /** The program's own loop of descriptors, as bytes. */
  readonly descriptors: Uint8Array;
  readonly streams: readonly TsPmtStream[];
}

/** section_length goes from behind itself to the end, CRC_32 included; both tables keep it to 1021. */
const MAX_SECTION_LENGTH = 1021;
/** Bytes from table_id to section_length. */
export const TS_SECTION_HEADER_BYTES = 3;
/** The most bytes that a whole section of these tables has. */
export const TS_MAX_SECTION_BYTES = TS_SECTION_HEADER_BYTES + MAX_SECTION_LENGTH;
/** table_id … last_section_number. */
const LONG_HEADER_BYTES = 8;
const CRC_BYTES = 4;

/**
 * Reads a PAT section, from table_id to CRC_32.
 *
 * @throws MediaError `bad-value` when it is no PAT section or its CRC is wrong, `short-read` when it is cut.
 */
export function parsePat(section: Uint8Array): TsPat {
  const { extension: transportStreamId, end, fields } = parseSection(section, TsTableId.programAssociation);
  const programs: { programNumber: number; pid: number }[] = [];
  let offset = LONG_HEADER_BYTES;
  for (; offset + 4 <= end; offset += 4) {
    // program_number, reserved, network_PID or program_map_PID
    programs.push({ programNumber: readU16(section, offset), pid: readU16(section, offset + 2) & 0x1fff });
  }
  if (offset !== end) throw cut('a program of a PAT', 4, end - offset);
  return { transportStreamId, ...fields, programs };
}

/** Builds a PAT section as new bytes. @throws MediaError `limit-exceeded` when it does not fit one section. */
export function buildPat(pat: TsPat): Uint8Array {
  const section = newSection(
    TsTableId.programAssociation,
    pat.transportStreamId,
    pat,
    4 * pat.programs.length,
  );
  let offset = LONG_HEADER_BYTES;
  for (const { programNumber, pid } of pat.programs) {
    writeU16(section, offset, programNumber); // program_number
    writeU16(section, offset + 2, 0xe000 | pid); // reserved, program_map_PID
    offset += 4;
  }
  return closeSection(section);
}

/**
 * Reads a PMT section, from table_id to CRC_32.
 *
 * @returns facts, and descriptors as views of `section`.
 * @throws MediaError `bad-value` when it is no PMT section or its CRC is wrong, `short-read` when it is cut.
 */
export function parsePmt(section: Uint8Array): TsPmt {
  const { extension: programNumber, end, fields } = parseSection(section, TsTableId.programMap);
  let offset = LONG_HEADER_BYTES;
  if (end - offset < 4) throw cut('the head of a PMT', 4, end - offset);
  const pcrPid = readU16(section, offset) & 0x1fff; // reserved, PCR_PID
  const descriptors = readDescriptors(section, offset + 2, end); // reserved, program_info_length
  offset += 4 + descriptors.length;
  const streams: TsPmtStream[] = [];
  while (offset < end) {
    if (end - offset < 5) throw cut('a stream of a PMT', 5, end - offset);
    const streamType = section[offset] ?? 0; // stream_type
    const pid = readU16(section, offset + 1) & 0x1fff; // reserved, elementary_PID
    const own = readDescriptors(section, offset + 3, end); // reserved, ES_info_length
    streams.push({ streamType, pid, descriptors: own });
    offset += 5 + own.length;
  }
  return { programNumber, ...fields, pcrPid, descriptors, streams };
}

/** Builds a PMT section as new bytes. @throws MediaError `limit-exceeded` when it does not fit one section. */
export function buildPmt(pmt: TsPmt): Uint8Array {
  let bodyBytes = 4 + pmt.descriptors.length;
  for (const stream of pmt.streams) bodyBytes += 5 + stream.descriptors.length;
  const section = newSection(TsTableId.programMap, pmt.programNumber, pmt, bodyBytes);
  let offset = LONG_HEADER_BYTES;
  writeU16(section, offset, 0xe000 | pmt.pcrPid); // reserved, PCR_PID
  offset = writeDescriptors(section, offset + 2, pmt.descriptors); // reserved, program_info_length
  for (const stream of pmt.streams) {
    section[offset] = stream.streamType; // stream_type
    writeU16(section, offset + 1, 0xe000 | stream.pid); // reserved, elementary_PID
    offset = writeDescriptors(section, offset + 3, stream.descriptors); // reserved, ES_info_length
  }
  return closeSection(section);
}

/** Reads the fields that both tables share, and checks table_id, length and CRC. */
function parseSection(
  section: Uint8Array,
  tableId: TsTableId,
): { readonly extension: number; readonly end: number; readonly fields: TsSectionFields } {
  if (section.length < LONG_HEADER_BYTES + CRC_BYTES) {
    throw cut('a section', LONG_HEADER_BYTES + CRC_BYTES, section.length);
  }
  if (section[0] !== tableId) {
    throw new MediaError('bad-value', `table_id is ${section[0] ?? 0}, wanted ${tableId}`);
  }
  const lengthField = readU16(section, 1);
  if ((lengthField & 0x8000) === 0)
    throw new MediaError('bad-value', 'section_syntax_indicator is 0, wanted 1');
  const length = lengthField & 0x0fff; // section_length
  if (length > MAX_SECTION_LENGTH) {
    throw new MediaError('bad-value', `section_length is ${length}, wanted at most ${MAX_SECTION_LENGTH}`);
  }
  const sectionEnd = TS_SECTION_HEADER_BYTES + length;
  if (sectionEnd > section.length) throw cut('a section', sectionEnd, section.length);
  if (sectionEnd < LONG_HEADER_BYTES + CRC_BYTES) {
    throw new MediaError('bad-value', `section_length is ${length}, wanted at least 9`);
  }
  if (crc32Mpeg(section, 0, sectionEnd) !== 0) {
    throw new MediaError('bad-value', `the CRC_32 of the section of table ${tableId} is wrong`);
  }
  const b5 = section[5] ?? 0;
  return {
    extension: readU16(section, 3), // transport_stream_id or program_number
    end: sectionEnd - CRC_BYTES,
    fields: {
      version: (b5 >> 1) & 0x1f, // reserved, version_number
      current: (b5 & 0x01) === 1, // current_next_indicator
      sectionNumber: section[6] ?? 0, // section_number
      lastSectionNumber: section[7] ?? 0, // last_section_number
    },
  };
}

function newSection(
  tableId: TsTableId,
  extension: number,
  fields: TsSectionFields,
  bodyBytes: number,
): Uint8Array {
  const size = LONG_HEADER_BYTES + bodyBytes + CRC_BYTES;
  if (size > TS_MAX_SECTION_BYTES) {
    throw new MediaError('limit-exceeded', `a section of ${size} bytes, it holds ${TS_MAX_SECTION_BYTES}`);
  }
  const section = new Uint8Array(size);
  section[0] = tableId; // table_id
  // section_syntax_indicator, '0', reserved, section_length
  writeU16(section, 1, 0xb000 | (size - TS_SECTION_HEADER_BYTES));
  writeU16(section, 3, extension); // transport_stream_id or program_number
  section[5] = 0xc0 | (fields.version << 1) | (fields.current ? 1 : 0); // reserved, version_number, …
  section[6] = fields.sectionNumber; // section_number
  section[7] = fields.lastSectionNumber; // last_section_number
  return section;
}

/** Writes CRC_32 into the last four bytes. */
function closeSection(section: Uint8Array): Uint8Array {
  const end = section.length - CRC_BYTES;
  const crc = crc32Mpeg(section, 0, end);
  writeU16(section, end, crc >>> 16);
  writeU16(section, end + 2, crc & 0xffff);
  return section;
}

/** Reads a length of 12 bits and the descriptors behind it. */
function readDescriptors(section: Uint8Array, offset: number, end: number): Uint8Array {
  const length = readU16(section, offset) & 0x0fff;
  const start = offset + 2;
  if (length > end - start) throw cut('descriptors', length, end - start);
  return section.subarray(start, start + length);
}

function writeDescriptors(section: Uint8Array, offset: number, descriptors: Uint8Array): number {
  writeU16(section, offset, 0xf000 | descriptors.length);
  section.set(descriptors, offset + 2);
  return offset + 2 + descriptors.length;
}

function cut(what: string, wanted: number, there: number): MediaError {
  return new MediaError('short-read', `${what}: ${wanted} byte(s) wanted, ${there} there`);
}

function readU16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}
