import { MediaError } from '../errors.ts';
import { type BoxRange, findBox, openFullBox, requireBox } from './box-reader.ts';
import { MP4_LIMITS } from './limits.ts';

/** A table of a `stbl` box as it lies in the file: numbers are taken out when they are needed. */
export class RawTable {
  /** How many entries there are. */
  readonly count: number;
  readonly #view: DataView;
  readonly #stride: number;

  /** @param bytes The entries, borrowed. @param stride Bytes of one. */
  constructor(bytes: Uint8Array, count: number, stride: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = count;
    this.#stride = stride;
  }

  /** 32 bits of an entry; `field` counts them. The caller has compared the index with {@link count}. */
  u32(index: number, field = 0): number {
    return this.#view.getUint32(index * this.#stride + field * 4);
  }

  /** 32 bits with a sign. */
  i32(index: number, field = 0): number {
    return this.#view.getInt32(index * this.#stride + field * 4);
  }
}

/** The tables of a track of a progressive file (ISO/IEC 14496-12 clauses 8.6 and 8.7): views of the `moov`. */
export interface SampleTables {
  /** How many samples have a size and a place. */
  readonly count: number;
  /** Bytes of every sample, when all are alike. */
  readonly sameSize: number | undefined;
  readonly sizes: RawTable;
  /** Entries of count and duration. */
  readonly durations: RawTable;
  /** Entries of count and PTS - DTS; undefined when they are equal. */
  readonly compositionOffsets: RawTable | undefined;
  /** Numbers of the samples, from 1, where decoding can begin; undefined when it is all. */
  readonly syncSamples: RawTable | undefined;
  /** Entries of first chunk, samples a chunk and description. */
  readonly chunkRuns: RawTable;
  readonly chunkOffsets: RawTable;
  /** Whether {@link chunkOffsets} have 64 bits. */
  readonly longOffsets: boolean;
}

/**
 * Reads the tables of a `stbl` box.
 *
 * @param bytes What holds the box; views of it are kept.
 * @throws MediaError `short-read` when a table is longer than its box, `bad-value` when chunks are not in order,
 * `limit-exceeded` over {@link MP4_LIMITS}.trackSamples, `unsupported` for compact sample sizes (`stz2`).
 */
export function parseSampleTables(bytes: Uint8Array, stbl: BoxRange): SampleTables {
  if (findBox(bytes, stbl, 'stz2') !== undefined) {
    throw new MediaError('unsupported', 'compact sample sizes (stz2)');
  }
  const sizes = parseSizes(bytes, requireBox(bytes, stbl, 'stsz'));
  const ctts = findBox(bytes, stbl, 'ctts');
  const stss = findBox(bytes, stbl, 'stss');
  const co64 = findBox(bytes, stbl, 'co64');
  const chunkOffsets = readTable(bytes, co64 ?? requireBox(bytes, stbl, 'stco'), co64 === undefined ? 4 : 8);
  const chunkRuns = readTable(bytes, requireBox(bytes, stbl, 'stsc'), 12);
  const placed = placedSamples(chunkRuns, chunkOffsets.count);
  const count = Math.min(sizes.count, placed);
  if (count > MP4_LIMITS.trackSamples) {
    throw new MediaError('limit-exceeded', `${count} samples, the limit is ${MP4_LIMITS.trackSamples}`);
  }
  return {
    count,
    sameSize: sizes.sameSize,
    sizes: sizes.table,
    durations: readTable(bytes, requireBox(bytes, stbl, 'stts'), 8),
    compositionOffsets: ctts === undefined ? undefined : readTable(bytes, ctts, 8),
    syncSamples: stss === undefined ? undefined : readTable(bytes, stss, 4),
    chunkRuns,
    chunkOffsets,
    longOffsets: co64 !== undefined,
  };
}

function readTable(bytes: Uint8Array, box: BoxRange, stride: number): RawTable {
  const { reader } = openFullBox(bytes, box);
  const count = reader.u32(); // entry_count
  return new RawTable(reader.bytes(count * stride), count, stride);
}

interface Sizes {
  readonly count: number;
  readonly sameSize: number | undefined;
  readonly table: RawTable;
}

function parseSizes(bytes: Uint8Array, box: BoxRange): Sizes {
  const { reader } = openFullBox(bytes, box);
  const sameSize = reader.u32(); // sample_size
  const count = reader.u32(); // sample_count
  if (sameSize !== 0) return { count, sameSize, table: new RawTable(reader.bytes(0), 0, 4) };
  return { count, sameSize: undefined, table: new RawTable(reader.bytes(count * 4), count, 4) };
}

/** How many samples the chunks hold. @throws MediaError `bad-value` when `stsc` is not in order. */
function placedSamples(runs: RawTable, chunks: number): number {
  let samples = 0;
  for (let index = 0; index < runs.count; index++) {
    const first = runs.u32(index); // first_chunk
    const next = index + 1 < runs.count ? runs.u32(index + 1) : chunks + 1;
    if (first < 1 || (index === 0 && first !== 1) || (index + 1 < runs.count && next <= first)) {
      throw new MediaError(
        'bad-value',
        `entry ${index} of stsc begins at chunk ${first}, the next at ${next}`,
      );
    }
    samples += Math.max(0, Math.min(next, chunks + 1) - first) * runs.u32(index, 1); // samples_per_chunk
  }
  return samples;
}
