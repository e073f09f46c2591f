import { type ByteReader, ByteWriter } from '../bytes/index.ts';
import { buildBox, checkTable, expectBox, readStrings, writeStrings } from './fields.ts';

/** FragmentsPerSegment of a live stream whose last segment goes on without end. */
export const HDS_ENDLESS_SEGMENT = 0xffffffff;

/** SEGMENTRUNENTRY (Adobe F4V 10.1, 2.11.2.1): segments that have the same number of fragments. */
export interface HdsSegmentRun {
  readonly firstSegment: number;
  readonly fragmentsPerSegment: number;
}

/** The `asrt` box (Adobe F4V 10.1, 2.11.2.1). */
export interface HdsSegmentRunTable {
  /** The table changes one that was told before rather than being whole (flags 1). */
  readonly update: boolean;
  /** Qualities that the table is for; none stands for all. */
  readonly qualityUrlModifiers: readonly string[];
  readonly runs: readonly HdsSegmentRun[];
}

const ENTRY_BYTES = 8;

/** Builds an `asrt` box. @throws MediaError `limit-exceeded` for more than 255 qualities. */
export function buildHdsSegmentRunTable(table: HdsSegmentRunTable): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0); // Version
  writer.u24(table.update ? 1 : 0); // Flags
  writeStrings(writer, table.qualityUrlModifiers); // QualityEntryCount, QualitySegmentUrlModifiers
  writer.u32(table.runs.length); // SegmentRunEntryCount
  for (const { firstSegment, fragmentsPerSegment } of table.runs) {
    writer.u32(firstSegment).u32(fragmentsPerSegment); // FirstSegment, FragmentsPerSegment
  }
  return buildBox('asrt', writer.finish());
}

/**
 * Reads the `asrt` box at the reader's position, and leaves it behind the box.
 *
 * @throws MediaError `short-read` when it is cut, `bad-value` when there is another box.
 */
export function readHdsSegmentRunTable(reader: ByteReader): HdsSegmentRunTable {
  const { end } = expectBox(reader, 'asrt');
  reader.skip(1); // Version
  const update = (reader.u24() & 1) !== 0; // Flags
  const qualityUrlModifiers = readStrings(reader); // QualityEntryCount, QualitySegmentUrlModifiers
  const count = reader.u32(); // SegmentRunEntryCount
  checkTable(reader, count, ENTRY_BYTES, end);
  const runs: HdsSegmentRun[] = [];
  for (let index = 0; index < count; index += 1) {
    runs.push({ firstSegment: reader.u32(), fragmentsPerSegment: reader.u32() });
  }
  reader.skip(end - reader.offset);
  return { update, qualityUrlModifiers, runs };
}
