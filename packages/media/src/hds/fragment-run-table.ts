import { type ByteReader, ByteWriter } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildBox,
  checkTable,
  expectBox,
  readStrings,
  readBootstrapU64,
  writeStrings,
  writeBootstrapU64,
} from './fields.ts';

/** DiscontinuityIndicator (Adobe F4V 10.1, 2.11.2.2). */
export const HdsDiscontinuity = {
  endOfPresentation: 0,
  fragmentNumbers: 1,
  timestamps: 2,
  both: 3,
} as const;

/** A value of {@link HdsDiscontinuity}. */
export type HdsDiscontinuity = (typeof HdsDiscontinuity)[keyof typeof HdsDiscontinuity];

/** FRAGMENTRUNENTRY (Adobe F4V 10.1, 2.11.2.2): fragments of the same duration, or a mark between them. */
export interface HdsFragmentRun {
  readonly firstFragment: number;
  /** In units of the table's time scale. */
  readonly firstTimestamp: number;
  /** In units of the table's time scale; 0 for a mark. */
  readonly duration: number;
  /** Only of a mark: a value of {@link HdsDiscontinuity}, or a reserved one. */
  readonly discontinuity?: number;
}

/** The `afrt` box (Adobe F4V 10.1, 2.11.2.2). */
export interface HdsFragmentRunTable {
  /** The table changes one that was told before rather than being whole (flags 1). */
  readonly update: boolean;
  /** Units in a second. */
  readonly timescale: number;
  /** Qualities that the table is for; none stands for all. */
  readonly qualityUrlModifiers: readonly string[];
  readonly runs: readonly HdsFragmentRun[];
}

const LEAST_ENTRY_BYTES = 16;

/**
 * Builds an `afrt` box.
 *
 * @throws MediaError `bad-value` for a mark with a duration or a run without one, `limit-exceeded` for more than 255
 * qualities.
 */
export function buildHdsFragmentRunTable(table: HdsFragmentRunTable): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0); // Version
  writer.u24(table.update ? 1 : 0); // Flags
  writer.u32(table.timescale); // TimeScale
  writeStrings(writer, table.qualityUrlModifiers); // QualityEntryCount, QualitySegmentUrlModifiers
  writer.u32(table.runs.length); // FragmentRunEntryCount
  for (const { firstFragment, firstTimestamp, duration, discontinuity } of table.runs) {
    if ((duration === 0) !== (discontinuity !== undefined)) {
      throw new MediaError('bad-value', 'a fragment run has either a duration or a discontinuity');
    }
    writer.u32(firstFragment); // FirstFragment
    writeBootstrapU64(writer, firstTimestamp); // FirstFragmentTimestamp
    writer.u32(duration); // FragmentDuration
    if (discontinuity !== undefined) writer.u8(discontinuity); // DiscontinuityIndicator
  }
  return buildBox('afrt', writer.finish());
}

/**
 * Reads the `afrt` box at the reader's position, and leaves it behind the box.
 *
 * @throws MediaError `short-read` when it is cut, `bad-value` when there is another box or a time is beyond 2^53 - 1.
 */
export function readHdsFragmentRunTable(reader: ByteReader): HdsFragmentRunTable {
  const { end } = expectBox(reader, 'afrt');
  reader.skip(1); // Version
  const update = (reader.u24() & 1) !== 0; // Flags
  const timescale = reader.u32(); // TimeScale
  const qualityUrlModifiers = readStrings(reader); // QualityEntryCount, QualitySegmentUrlModifiers
  const count = reader.u32(); // FragmentRunEntryCount
  checkTable(reader, count, LEAST_ENTRY_BYTES, end);
  const runs: HdsFragmentRun[] = [];
  for (let index = 0; index < count; index += 1) {
    const firstFragment = reader.u32(); // FirstFragment
    const firstTimestamp = readBootstrapU64(reader); // FirstFragmentTimestamp
    const duration = reader.u32(); // FragmentDuration
    if (duration > 0) runs.push({ firstFragment, firstTimestamp, duration });
    else runs.push({ firstFragment, firstTimestamp, duration, discontinuity: reader.u8() });
  }
  if (reader.offset > end) throw new MediaError('bad-value', 'the fragment runs go beyond their afrt box');
  reader.skip(end - reader.offset);
  return { update, timescale, qualityUrlModifiers, runs };
}
