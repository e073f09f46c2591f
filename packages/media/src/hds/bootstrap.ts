import { ByteReader, ByteWriter } from '../bytes/index.ts';
import {
  buildBox,
  checkedCount,
  expectBox,
  readString,
  readStrings,
  readBootstrapU64,
  writeString,
  writeStrings,
  writeBootstrapU64,
} from './fields.ts';
import {
  buildHdsFragmentRunTable,
  type HdsFragmentRunTable,
  readHdsFragmentRunTable,
} from './fragment-run-table.ts';
import {
  buildHdsSegmentRunTable,
  type HdsSegmentRunTable,
  readHdsSegmentRunTable,
} from './segment-run-table.ts';

/** The `abst` box (Adobe F4V 10.1, 2.11.2): what a player needs to find the fragments of a stream. */
export interface Bootstrap {
  /** BootstrapinfoVersion: changes with the content. */
  readonly version: number;
  /** 0 named, 1 range. */
  readonly profile: number;
  readonly live: boolean;
  /** The box changes one that was told before rather than being whole. */
  readonly update: boolean;
  /** Units in a second. */
  readonly timescale: number;
  /** Where the newest fragment begins, in units of the time scale. */
  readonly currentMediaTime: number;
  /** In units of the time scale. */
  readonly smpteTimeCodeOffset: number;
  readonly movieIdentifier: string;
  readonly servers: readonly string[];
  readonly qualities: readonly string[];
  readonly drmData: string;
  readonly metadata: string;
  readonly segmentRunTables: readonly HdsSegmentRunTable[];
  readonly fragmentRunTables: readonly HdsFragmentRunTable[];
}

/**
 * Builds an `abst` box: the whole content of a bootstrap file.
 *
 * @throws MediaError `bad-value` for times that are no whole numbers, `limit-exceeded` for more than 255 entries in a
 * list.
 */
export function buildBootstrap(info: Bootstrap): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0); // Version
  writer.u24(0); // Flags
  writer.u32(info.version); // BootstrapinfoVersion
  // Profile, Live, Update, Reserved
  writer.u8(((info.profile & 3) << 6) | (info.live ? 0x20 : 0) | (info.update ? 0x10 : 0));
  writer.u32(info.timescale); // TimeScale
  writeBootstrapU64(writer, info.currentMediaTime); // CurrentMediaTime
  writeBootstrapU64(writer, info.smpteTimeCodeOffset); // SmpteTimeCodeOffset
  writeString(writer, info.movieIdentifier); // MovieIdentifier
  writeStrings(writer, info.servers); // ServerEntryCount, ServerEntryTable
  writeStrings(writer, info.qualities); // QualityEntryCount, QualityEntryTable
  writeString(writer, info.drmData); // DrmData
  writeString(writer, info.metadata); // MetaData
  writer.u8(checkedCount(info.segmentRunTables.length)); // SegmentRunTableCount
  for (const table of info.segmentRunTables) writer.bytes(buildHdsSegmentRunTable(table));
  writer.u8(checkedCount(info.fragmentRunTables.length)); // FragmentRunTableCount
  for (const table of info.fragmentRunTables) writer.bytes(buildHdsFragmentRunTable(table));
  return buildBox('abst', writer.finish());
}

/**
 * Reads an `abst` box.
 *
 * @throws MediaError `short-read` when it is cut, `bad-value` when it or a box inside is another one or a time is
 * beyond 2^53 - 1, `limit-exceeded` for strings that are too long.
 */
export function parseBootstrap(bytes: Uint8Array): Bootstrap {
  const whole = new ByteReader(bytes);
  const { start, end } = expectBox(whole, 'abst');
  const reader = new ByteReader(bytes, start, end);
  reader.skip(1 + 3); // Version, Flags
  const version = reader.u32(); // BootstrapinfoVersion
  const flags = reader.u8(); // Profile, Live, Update, Reserved
  const timescale = reader.u32(); // TimeScale
  const currentMediaTime = readBootstrapU64(reader); // CurrentMediaTime
  const smpteTimeCodeOffset = readBootstrapU64(reader); // SmpteTimeCodeOffset
  const movieIdentifier = readString(reader); // MovieIdentifier
  const servers = readStrings(reader); // ServerEntryCount, ServerEntryTable
  const qualities = readStrings(reader); // QualityEntryCount, QualityEntryTable
  const drmData = readString(reader); // DrmData
  const metadata = readString(reader); // MetaData
  const segmentRunTables = readTables(reader, readHdsSegmentRunTable); // SegmentRunTableCount …
  const fragmentRunTables = readTables(reader, readHdsFragmentRunTable); // FragmentRunTableCount …
  return {
    version,
    profile: flags >> 6,
    live: (flags & 0x20) !== 0,
    update: (flags & 0x10) !== 0,
    timescale,
    currentMediaTime,
    smpteTimeCodeOffset,
    movieIdentifier,
    servers,
    qualities,
    drmData,
    metadata,
    segmentRunTables,
    fragmentRunTables,
  };
}

function readTables<Table>(reader: ByteReader, read: (reader: ByteReader) => Table): Table[] {
  const count = reader.u8();
  const tables: Table[] = [];
  for (let index = 0; index < count; index += 1) tables.push(read(reader));
  return tables;
}
