import { MediaError } from '../errors.ts';
import { fullBox, longTable, type Mp4Part, u32, writeU64 } from './box-tree.ts';
import type { MovieTrack } from './movie.ts';
import { PackedNumbers, unzigzag, zigzag } from './packed-numbers.ts';
import type { Mp4SampleRun } from './sample-run.ts';
import type { ResolvedTrack } from './track.ts';

/** Equal numbers in a row. */
interface Run {
  /** How many. */
  count: number;
  value: number;
}

interface Runs {
  /** How many runs there are. */
  readonly count: number;
  /** Begins at the first run: each call of the result fills in the next one. */
  begin(): (run: Run) => void;
}

/** Numbers of which many in a row are the same, as pairs of count and value. */
class RunLengths {
  readonly #pairs = new PackedNumbers();
  #value = 0;
  #count = 0;

  get memory(): number {
    return this.#pairs.memory;
  }

  add(value: number): void {
    if (this.#count > 0 && value !== this.#value) this.#close();
    this.#value = value;
    this.#count++;
  }

  /**
   * The runs of the numbers so far; what is added later changes nothing of the result.
   *
   * @param last Comes behind all others.
   */
  runs(last?: number): Runs {
    const pairs = this.#pairs;
    const closed = pairs.count / 2;
    const open: (readonly [count: number, value: number])[] = [];
    const merged = last !== undefined && this.#count > 0 && last === this.#value;
    if (this.#count > 0) open.push([this.#count + (merged ? 1 : 0), this.#value]);
    if (last !== undefined && !merged) open.push([1, last]);
    return {
      count: closed + open.length,
      begin() {
        const next = pairs.reader();
        let at = 0;
        return function nextRun(run) {
          if (at < closed) {
            run.count = next();
            run.value = unzigzag(next());
          } else {
            [run.count, run.value] = open[at - closed] ?? [0, 0];
          }
          at++;
        };
      },
    };
  }

  #close(): void {
    this.#pairs.add(this.#count);
    this.#pairs.add(zigzag(this.#value));
    this.#count = 0;
  }
}

/**
 * All that the `moov` of a finished file says of one track's samples, held compactly while the file grows.
 *
 * An hour of 30 frames a second with B frames costs some 0.9 MB, without B frames 0.5 MB (sizes 2 to 3 bytes a
 * sample, millisecond durations 2 bytes for each change); an hour of AAC at 44.1 kHz on an even grid 0.35 MB.
 */
export class TrackTables {
  readonly track: ResolvedTrack;
  readonly #sizes = new PackedNumbers();
  readonly #durations = new RunLengths();
  readonly #compositionOffsets = new RunLengths();
  readonly #chunkSamples = new RunLengths();
  readonly #chunkGaps = new PackedNumbers();
  readonly #syncGaps = new PackedNumbers();
  #anyOffset = false;
  #start = 0;
  #lastDts = 0;
  #endDts = 0;
  #firstPts = 0;
  #endPts = 0;
  #lastChunk = 0;
  #lastSync = 0;

  constructor(track: ResolvedTrack) {
    this.track = track;
  }

  /** How many samples there are. */
  get count(): number {
    return this.#sizes.count;
  }

  /** DTS of the first sample, ticks. */
  get start(): number {
    return this.#start;
  }

  /** DTS of the last sample, ticks. */
  get lastDts(): number {
    return this.#lastDts;
  }

  /** Where the last sample ends, ticks. */
  get endDts(): number {
    return this.#endDts;
  }

  /** Bytes of memory that the tables hold. */
  get memory(): number {
    const lists = [
      this.#sizes,
      this.#durations,
      this.#compositionOffsets,
      this.#chunkSamples,
      this.#chunkGaps,
      this.#syncGaps,
    ];
    return lists.reduce((sum, list) => sum + list.memory, 0);
  }

  /** @throws MediaError `bad-value` when samples lie, or begin in time, in front of what was noted before. */
  check(samples: Mp4SampleRun, fileOffset: number): void {
    const first = samples.dts(0);
    const gap = first - this.#lastDts;
    if (fileOffset < this.#lastChunk || (this.count > 0 && (gap < 0 || gap > 0xffffffff))) {
      throw new MediaError(
        'bad-value',
        `samples at byte ${fileOffset}, DTS ${first}, behind byte ${this.#lastChunk}, DTS ${this.#lastDts}`,
      );
    }
  }

  /**
   * Takes note of samples that lie together in the file.
   *
   * @param fileOffset Where the first one begins, in bytes.
   * @throws MediaError as {@link check}.
   */
  add(samples: Mp4SampleRun, fileOffset: number): void {
    if (samples.count === 0) return;
    this.check(samples, fileOffset);
    if (this.count === 0) {
      this.#start = samples.dts(0);
      this.#firstPts = Infinity;
    }
    for (let index = 0; index < samples.count; index++) {
      const dts = samples.dts(index);
      if (this.count > 0) this.#durations.add(dts - this.#lastDts);
      this.#lastDts = dts;
      const offset = samples.compositionOffset(index);
      this.#compositionOffsets.add(offset);
      if (offset !== 0) this.#anyOffset = true;
      this.#firstPts = Math.min(this.#firstPts, dts + offset);
      this.#endPts = Math.max(this.#endPts, dts + offset + samples.duration(index));
      this.#sizes.add(samples.size(index));
      if (samples.keyframe(index)) {
        this.#syncGaps.add(this.count - this.#lastSync);
        this.#lastSync = this.count;
      }
    }
    this.#endDts = samples.endDts;
    this.#chunkSamples.add(samples.count);
    this.#chunkGaps.add(fileOffset - this.#lastChunk);
    this.#lastChunk = fileOffset;
  }

  /** The track as `moov` writes it; samples that are added later change nothing of the result. */
  toMovieTrack(): MovieTrack {
    // A track that begins later than the movie has an edit list, which has no place for a picture that is shown before
    // the first one decoded: such a track begins with that picture.
    const early = Math.min(this.#start, Math.max(0, this.#start - this.#firstPts));
    const start = this.#start - early;
    const boxes = [this.#timeToSample()];
    if (this.#anyOffset || early > 0) boxes.push(this.#compositionOffset(early));
    if (this.#syncGaps.count < this.count) boxes.push(this.#syncSample());
    boxes.push(this.#sampleToChunk(), this.#sampleSize(), this.#chunkOffset());
    const lead = Math.max(0, this.#firstPts - this.#start);
    return {
      track: this.track,
      duration: this.#endDts - this.#start,
      start,
      lead,
      shown: Math.max(0, this.#endPts - start - lead),
      tables: boxes,
    };
  }

  #timeToSample(): Mp4Part {
    const runs = this.#durations.runs(this.#endDts - this.#lastDts);
    return fullBox(
      'stts',
      0,
      0,
      u32(runs.count), // entry_count
      runTable(8, runs, (view, at, { count, value }) => {
        view.setUint32(at, count); // sample_count
        view.setUint32(at + 4, value); // sample_delta
      }),
    );
  }

  #compositionOffset(early: number): Mp4Part {
    const runs = this.#compositionOffsets.runs();
    return fullBox(
      'ctts',
      1,
      0,
      u32(runs.count), // entry_count
      runTable(8, runs, (view, at, { count, value }) => {
        view.setUint32(at, count); // sample_count
        view.setInt32(at + 4, value + early); // sample_offset
      }),
    );
  }

  #syncSample(): Mp4Part {
    const gaps = this.#syncGaps;
    const { count } = gaps;
    return fullBox(
      'stss',
      0,
      0,
      u32(count), // entry_count
      longTable({
        width: 4,
        count,
        begin() {
          const next = gaps.reader();
          let sample = 0;
          return (view, at) => {
            sample += next();
            view.setUint32(at, sample); // sample_number
          };
        },
      }),
    );
  }

  #sampleToChunk(): Mp4Part {
    const runs = this.#chunkSamples.runs();
    return fullBox(
      'stsc',
      0,
      0,
      u32(runs.count), // entry_count
      runTable(12, runs, (view, at, { value }, chunksBefore) => {
        view.setUint32(at, chunksBefore + 1); // first_chunk
        view.setUint32(at + 4, value); // samples_per_chunk
        view.setUint32(at + 8, 1); // sample_description_index
      }),
    );
  }

  #sampleSize(): Mp4Part {
    const sizes = this.#sizes;
    const { count } = sizes;
    return fullBox(
      'stsz',
      0,
      0,
      u32(0), // sample_size
      u32(count), // sample_count
      longTable({
        width: 4,
        count,
        begin() {
          const next = sizes.reader();
          return (view, at) => view.setUint32(at, next()); // entry_size
        },
      }),
    );
  }

  #chunkOffset(): Mp4Part {
    const gaps = this.#chunkGaps;
    const { count } = gaps;
    const long = this.#lastChunk > 0xffffffff;
    return fullBox(
      long ? 'co64' : 'stco',
      0,
      0,
      u32(count), // entry_count
      longTable({
        width: long ? 8 : 4,
        count,
        begin() {
          const next = gaps.reader();
          let offset = 0;
          return (view, at) => {
            offset += next();
            if (long)
              writeU64(view, at, offset); // chunk_offset
            else view.setUint32(at, offset); // chunk_offset
          };
        },
      }),
    );
  }
}

/** A table with a row for each run; `before` counts the numbers of the runs in front. */
function runTable(
  width: number,
  runs: Runs,
  writeRow: (view: DataView, offset: number, run: Run, before: number) => void,
): Mp4Part {
  return longTable({
    width,
    count: runs.count,
    begin() {
      const nextRun = runs.begin();
      const run: Run = { count: 0, value: 0 };
      let before = 0;
      return (view, at) => {
        nextRun(run);
        writeRow(view, at, run, before);
        before += run.count;
      };
    },
  });
}
