import { MediaError } from '../errors.ts';
import { type BoxRange, childBoxes, findBox, openFullBox, readU64, requireBox } from './box-reader.ts';
import { TrackFragmentFlag, TrackRunFlag } from './fragment.ts';
import { MP4_LIMITS } from './limits.ts';
import type { FragmentDefaults } from './movie-reader.ts';
import { Mp4SampleRun } from './sample-run.ts';

/** Samples of one track that lie together in a fragment. */
export interface FragmentRun {
  readonly trackId: number;
  readonly samples: Mp4SampleRun;
  /** Where the first sample lies, in bytes from the start of the file. */
  readonly offset: number;
}

/** A `moof` box. */
export interface ParsedFragment {
  /** sequence_number. */
  readonly sequence: number;
  readonly runs: readonly FragmentRun[];
  /** Whether all tracks say their time (`tfdt`). */
  readonly timed: boolean;
}

/** What is known when a `moof` is read. */
export interface FragmentContext {
  /** Where the `moof` begins in the file. */
  readonly moofOffset: number;
  /** Where the samples have to end, at most. */
  readonly dataEnd: number;
  /** Tracks to read, with what the movie says of them; others are passed over. */
  readonly defaults: ReadonlyMap<number, FragmentDefaults>;
  /** Where each track goes on when the fragment does not say (no `tfdt`), in ticks. */
  readonly nextDts: ReadonlyMap<number, number>;
}

const SAMPLE_IS_NON_SYNC = 0x00010000;

/**
 * Reads a `moof` box (ISO/IEC 14496-12 clause 8.8).
 *
 * @param bytes The whole box.
 * @throws MediaError when it is damaged or its samples do not lie in the file, `limit-exceeded` over one of
 * {@link MP4_LIMITS}.
 */
export function parseMovieFragment(bytes: Uint8Array, context: FragmentContext): ParsedFragment {
  const [moof] = childBoxes(bytes, 0, bytes.length);
  if (moof?.type !== 'moof')
    throw new MediaError('bad-value', `wanted a moof box, got ${moof?.type ?? 'none'}`);
  const header = openFullBox(bytes, requireBox(bytes, moof, 'mfhd')).reader;
  const sequence = header.u32(); // sequence_number
  const runs: FragmentRun[] = [];
  let timed = true;
  let dataEnd = context.moofOffset;
  let budget: number = MP4_LIMITS.fragmentSamples;
  for (const traf of childBoxes(bytes, moof.body, moof.end)) {
    if (traf.type !== 'traf') continue;
    const reader = new TrackFragmentReader(bytes, traf, context, dataEnd);
    for (const trun of childBoxes(bytes, traf.body, traf.end)) {
      if (trun.type !== 'trun') continue;
      const run = reader.readRun(trun, budget);
      budget -= run.samples.count;
      if (reader.wanted && run.samples.count > 0) runs.push(run);
    }
    dataEnd = reader.dataEnd;
    timed &&= reader.timed;
  }
  return { sequence, runs, timed };
}

/** Reads the runs of one `traf`, one behind another. */
class TrackFragmentReader {
  /** Whether the track is one to read. */
  readonly wanted: boolean;
  /** Whether it says its time. */
  readonly timed: boolean;
  readonly #bytes: Uint8Array;
  readonly #context: FragmentContext;
  readonly #trackId: number;
  readonly #defaults: FragmentDefaults;
  readonly #base: number;
  #dts: number;
  /** Where the samples read last end in the file: the next ones may lie there. */
  #dataEnd: number;

  constructor(bytes: Uint8Array, traf: BoxRange, context: FragmentContext, dataEnd: number) {
    this.#bytes = bytes;
    this.#context = context;
    const { flags, reader } = openFullBox(bytes, requireBox(bytes, traf, 'tfhd'));
    this.#trackId = reader.u32(); // track_ID
    const movie = context.defaults.get(this.#trackId);
    this.wanted = movie !== undefined;
    const says = (flag: number): boolean => (flags & flag) !== 0;
    // Without a base of its own a traf goes on where the one in front of it ended; the first one begins at the moof.
    let base = says(TrackFragmentFlag.defaultBaseIsMoof) ? context.moofOffset : dataEnd;
    if (says(TrackFragmentFlag.baseDataOffset)) base = readU64(reader); // base_data_offset
    if (says(TrackFragmentFlag.sampleDescriptionIndex)) reader.skip(4); // sample_description_index
    this.#defaults = {
      duration: says(TrackFragmentFlag.defaultDuration) ? reader.u32() : (movie?.duration ?? 0), // default_sample_duration
      size: says(TrackFragmentFlag.defaultSize) ? reader.u32() : (movie?.size ?? 0), // default_sample_size
      flags: says(TrackFragmentFlag.defaultFlags) ? reader.u32() : (movie?.flags ?? 0), // default_sample_flags
    };
    this.#base = base;
    this.#dataEnd = base;
    this.#dts = context.nextDts.get(this.#trackId) ?? 0;
    const tfdt = findBox(bytes, traf, 'tfdt');
    this.timed = tfdt !== undefined;
    if (tfdt !== undefined) {
      const time = openFullBox(bytes, tfdt);
      this.#dts = time.version === 1 ? readU64(time.reader) : time.reader.u32(); // baseMediaDecodeTime
    }
  }

  get dataEnd(): number {
    return this.#dataEnd;
  }

  /** @param budget The most samples that it may have. */
  readRun(trun: BoxRange, budget: number): FragmentRun {
    const { flags, reader } = openFullBox(this.#bytes, trun);
    const says = (flag: number): boolean => (flags & flag) !== 0;
    const count = reader.u32(); // sample_count
    if (count > budget) {
      throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.fragmentSamples} samples in one fragment`);
    }
    const offset = says(TrackRunFlag.dataOffset) ? this.#base + reader.i32() : this.#dataEnd; // data_offset
    const firstFlags = says(TrackRunFlag.firstSampleFlags) ? reader.u32() : undefined; // first_sample_flags
    const hasDuration = says(TrackRunFlag.duration);
    const hasSize = says(TrackRunFlag.size);
    const hasFlags = says(TrackRunFlag.flags);
    const hasOffset = says(TrackRunFlag.compositionOffset);
    const samples = new Mp4SampleRun(count);
    for (let index = 0; index < count; index++) {
      const duration = hasDuration ? reader.u32() : this.#defaults.duration; // sample_duration
      const size = hasSize ? reader.u32() : this.#defaults.size; // sample_size
      let sampleFlags = hasFlags ? reader.u32() : this.#defaults.flags; // sample_flags
      if (index === 0 && firstFlags !== undefined) sampleFlags = firstFlags;
      // With a sign in version 0 too: many writers have it so.
      const compositionOffset = hasOffset ? reader.i32() : 0; // sample_composition_time_offset
      samples.add(size, this.#dts, compositionOffset, (sampleFlags & SAMPLE_IS_NON_SYNC) === 0);
      this.#dts += duration;
    }
    if (count > 0) samples.endDts = this.#dts;
    this.#dataEnd = offset + samples.bytes;
    if (this.wanted && count > 0 && (offset < 0 || this.#dataEnd > this.#context.dataEnd)) {
      throw new MediaError(
        'short-read',
        `samples at bytes ${offset}..${this.#dataEnd}, the file has ${this.#context.dataEnd}`,
      );
    }
    return { trackId: this.#trackId, samples, offset };
  }
}
