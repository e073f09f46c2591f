import { MediaError } from '../errors.ts';
import { fullBox, type Mp4Part, table, u32, writeU64 } from './box-tree.ts';
import type { MovieTrack } from './movie.ts';
import { PackedNumbers, unzigzag, zigzag } from './packed-numbers.ts';
import type { Mp4SampleRun } from './sample-run.ts';
import type { ResolvedTrack } from './track.ts';

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

  /** How many runs there are, when `last` comes behind all others. */
  entries(last?: number): number {
    const closed = this.#pairs.count / 2;
    if (last === undefined) return closed + (this.#count > 0 ? 1 : 0);
    return closed + (this.#count === 0 || this.#value === last ? 1 : 2);
  }

  /** Calls `entry` for each run, in order. */
  each(entry: (count: number, value: number) => void, last?: number): void {
    const next = this.#pairs.reader();
    for (let left = this.#pairs.count / 2; left > 0; left--) entry(next(), unzigzag(next()));
    const merged = last !== undefined && this.#count > 0 && last === this.#value;
    if (this.#count > 0) entry(this.#count + (merged ? 1 : 0), this.#value);
    if (last !== undefined && !merged) entry(1, last);
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

  /** The track as `moov` writes it. */
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
    const last = this.#endDts - this.#lastDts;
    const entries = this.#durations.entries(last);
    return fullBox(
      'stts',
      0,
      0,
      u32(entries), // entry_count
      table(entries * 8, (view, start) => {
        let at = start;
        this.#durations.each((count, delta) => {
          view.setUint32(at, count); // sample_count
          view.setUint32(at + 4, delta); // sample_delta
          at += 8;
        }, last);
      }),
    );
  }

  #compositionOffset(early: number): Mp4Part {
    const entries = this.#compositionOffsets.entries();
    return fullBox(
      'ctts',
      1,
      0,
      u32(entries), // entry_count
      table(entries * 8, (view, start) => {
        let at = start;
        this.#compositionOffsets.each((count, offset) => {
          view.setUint32(at, count); // sample_count
          view.setInt32(at + 4, offset + early); // sample_offset
          at += 8;
        });
      }),
    );
  }

  #syncSample(): Mp4Part {
    const { count } = this.#syncGaps;
    return fullBox(
      'stss',
      0,
      0,
      u32(count), // entry_count
      table(count * 4, (view, start) => {
        const next = this.#syncGaps.reader();
        let sample = 0;
        for (let index = 0; index < count; index++) {
          sample += next();
          view.setUint32(start + index * 4, sample); // sample_number
        }
      }),
    );
  }

  #sampleToChunk(): Mp4Part {
    const entries = this.#chunkSamples.entries();
    return fullBox(
      'stsc',
      0,
      0,
      u32(entries), // entry_count
      table(entries * 12, (view, start) => {
        let at = start;
        let chunk = 1;
        this.#chunkSamples.each((count, samples) => {
          view.setUint32(at, chunk); // first_chunk
          view.setUint32(at + 4, samples); // samples_per_chunk
          view.setUint32(at + 8, 1); // sample_description_index
          at += 12;
          chunk += count;
        });
      }),
    );
  }

  #sampleSize(): Mp4Part {
    const { count } = this.#sizes;
    return fullBox(
      'stsz',
      0,
      0,
      u32(0), // sample_size
      u32(count), // sample_count
      table(count * 4, (view, start) => {
        const next = this.#sizes.reader();
        for (let index = 0; index < count; index++) view.setUint32(start + index * 4, next()); // entry_size
      }),
    );
  }

  #chunkOffset(): Mp4Part {
    const { count } = this.#chunkGaps;
    const long = this.#lastChunk > 0xffffffff;
    const width = long ? 8 : 4;
    return fullBox(
      long ? 'co64' : 'stco',
      0,
      0,
      u32(count), // entry_count
      table(count * width, (view, start) => {
        const next = this.#chunkGaps.reader();
        let offset = 0;
        for (let index = 0; index < count; index++) {
          offset += next();
          if (long)
            writeU64(view, start + index * 8, offset); // chunk_offset
          else view.setUint32(start + index * 4, offset); // chunk_offset
        }
      }),
    );
  }
}
