import { bytesEqual, copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { ascii, box, buildInPieces, buildParts, type Mp4Part, u32, u64, zeros } from './box-tree.ts';
import { buildMp4Fragment, type Mp4Fragment } from './fragment.ts';
import { fragmentedMovie } from './init-segment.ts';
import { MP4_LIMITS } from './limits.ts';
import { fileTypeBox, movieBox } from './movie.ts';
import { Mp4SampleRun } from './sample-run.ts';
import { type Mp4TrackConfig, resolveTracks } from './track.ts';
import { TrackTables } from './track-tables.ts';

/** What an {@link Mp4Recording} may be told. */
export interface Mp4RecordingOptions {
  /** When the recording began, ms since 1970. Default: not said. */
  readonly createdAt?: number | undefined;
  /** Samples of one track. Default {@link MP4_LIMITS}.trackSamples. */
  readonly maxSamples?: number | undefined;
  /** Bytes of samples that wait for the fragment to be cut. Default {@link MP4_LIMITS}.pendingBytes. */
  readonly maxPendingBytes?: number | undefined;
}

/** A fragment of a recording: append its pieces to the file, then say so with {@link Mp4Recording.written}. */
export interface Mp4RecordingFragment extends Mp4Fragment {
  /** What {@link Mp4Recording.written} takes note of. */
  readonly parts: readonly RecordedPart[];
}

interface RecordedPart {
  readonly trackId: number;
  readonly samples: Mp4SampleRun;
  readonly memory: Uint8Array;
}

/** Samples of one track that already are in the file, one behind another. */
export interface RestoredRun {
  readonly trackId: number;
  readonly samples: Mp4SampleRun;
  /** Where the first one lies, in bytes from the start of the file. */
  readonly offset: number;
}

/** What makes a finished file of a recording. Do the steps in this order: a crash between them does no harm. */
export interface Mp4Finish {
  /** Bytes that the file has to have first: cut off what is behind. */
  readonly size: number;
  /** To be appended: the `moov` with all tables. */
  readonly tail: Uint8Array;
  /** To be written over earlier bytes: it turns all between the head and the tail into one `mdat`. */
  readonly patch: { readonly offset: number; readonly bytes: Uint8Array };
}

/** {@link Mp4Finish} with a tail in pieces. */
export interface Mp4FinishInPieces extends Omit<Mp4Finish, 'tail'> {
  /**
   * To be appended, in order: each is built when it is asked for, has at most {@link MP4_LIMITS}.finishPieceBytes and
   * takes at most a few ms. A piece belongs to the caller.
   */
  readonly tail: Generator<Uint8Array, void>;
  /** Bytes of the whole tail. */
  readonly tailSize: number;
}

/** Bytes of the reserved `free` box, which becomes the header of a 64-bit `mdat`. */
export const MP4_RESERVED_BYTES = 16;

const FIRST_MEMORY_BYTES = 16 * 1024;
/** Buffers of written fragments that a track keeps for the next ones. */
const MAX_SPARES = 2;

/** What a recording holds for one track. */
interface TrackState {
  readonly tables: TrackTables;
  readonly spares: { samples: Mp4SampleRun; memory: Uint8Array }[];
  samples: Mp4SampleRun;
  memory: Uint8Array;
  /** Samples added so far, and the last one's DTS. */
  added: number;
  lastDts: number;
}

/**
 * An MP4 file that is recorded so that a crash loses the last fragment at most, and which becomes an ordinary,
 * seekable MP4 at its end without being written again.
 *
 * While it grows it is a fragmented MP4 with a small `free` box behind `ftyp`. {@link finish} gives a `moov` for the
 * end, and turns the `free` box into the header of an `mdat` that goes over all fragments. Owns no file:
 *
 * 1. Write {@link head}.
 * 2. {@link add} samples; now and then {@link cut} a fragment, append its pieces, and say {@link written}.
 * 3. Write what {@link finish} or {@link finishInPieces} says.
 *
 * Tracks and codecs are those of the start: a file holds one configuration for each (a change asks for a new file,
 * see {@link checkConfiguration}). Memory: the samples of the fragment being gathered, and tables of about 0.5 to
 * 0.9 MB for an hour of video and 0.35 MB for an hour of AAC ({@link tableBytes}).
 */
export class Mp4Recording {
  readonly #options: Mp4RecordingOptions;
  readonly #tracks = new Map<number, TrackState>();
  readonly #head: Uint8Array;
  #reservedAt: number;
  #size: number;
  #sequence = 0;
  #pendingBytes = 0;
  #pendingSamples = 0;

  /** @throws MediaError as {@link buildMp4Init}. */
  constructor(tracks: readonly Mp4TrackConfig[], options: Mp4RecordingOptions = {}) {
    this.#options = options;
    const resolved = resolveTracks(tracks);
    for (const track of resolved) {
      this.#tracks.set(track.id, {
        // The recording outlives the caller's memory.
        tables: new TrackTables({ ...track, configuration: copyBytes(track.configuration) }),
        spares: [],
        samples: new Mp4SampleRun(),
        memory: new Uint8Array(0),
        added: 0,
        lastDts: 0,
      });
    }
    const fileType = fileTypeBox();
    this.#reservedAt = fileType.size;
    this.#head = buildParts(
      fileType,
      box('free', zeros(MP4_RESERVED_BYTES - 8)),
      movieBox(fragmentedMovie(resolved, options.createdAt)),
    );
    this.#size = this.#head.length;
  }

  /** The first bytes of the file: `ftyp`, `free` and a `moov` without samples. */
  get head(): Uint8Array {
    return this.#head;
  }

  /** Bytes of the file: the head and all fragments said to be {@link written}. */
  get size(): number {
    return this.#size;
  }

  /** Samples of the fragment that is being gathered. */
  get pendingSamples(): number {
    return this.#pendingSamples;
  }

  /** Bytes of the samples that wait for {@link cut}. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** How long the samples that wait for {@link cut} last, in ms: the longest of the tracks. */
  get pendingDuration(): number {
    let longest = 0;
    for (const { samples, tables } of this.#tracks.values()) {
      if (samples.count === 0) continue;
      longest = Math.max(longest, ((samples.endDts - samples.dts(0)) * 1000) / tables.track.timescale);
    }
    return longest;
  }

  /** How long what is {@link written} lasts, in ms from time 0 to the end of the longest track. */
  get duration(): number {
    let longest = 0;
    for (const { tables } of this.#tracks.values()) {
      if (tables.count > 0) longest = Math.max(longest, (tables.endDts * 1000) / tables.track.timescale);
    }
    return longest;
  }

  /** Samples of all tracks that are {@link written}. */
  get samples(): number {
    let sum = 0;
    for (const { tables } of this.#tracks.values()) sum += tables.count;
    return sum;
  }

  /** Bytes of memory that the tables of the finished file's `moov` hold by now. */
  get tableBytes(): number {
    let sum = 0;
    for (const { tables } of this.#tracks.values()) sum += tables.memory;
    return sum;
  }

  /** Ticks a second of a track. @throws MediaError `bad-value` for a track that is not there. */
  timescale(trackId: number): number {
    return this.#track(trackId).tables.track.timescale;
  }

  /**
   * Asks whether a track may go on with this codec and configuration.
   *
   * @throws MediaError `unsupported` when it is not what the file began with: an MP4 file holds one configuration for
   * each track here, so begin a new file. `bad-value` for a track that is not there.
   */
  checkConfiguration(trackId: number, codec: string, configuration: Uint8Array): void {
    const { track } = this.#track(trackId).tables;
    if (track.codec !== codec) {
      throw new MediaError('unsupported', `track ${trackId} changes from ${track.codec} to ${codec}`);
    }
    if (!bytesEqual(track.configuration, configuration)) {
      throw new MediaError('unsupported', `the ${codec} configuration of track ${trackId} changes`);
    }
  }

  /**
   * Adds a sample to the fragment that is being gathered.
   *
   * @param dts Ticks of the track's timescale, from the recording's zero. One that is not behind the last sample's is
   * put one tick behind it; the PTS stays.
   * @param compositionOffset PTS - DTS in ticks, may be negative.
   * @param keyframe Whether decoding can begin here; true for audio.
   * @param data The sample as MP4 has it: length-prefixed NAL units, OBUs, a raw AAC frame. Copied, once.
   * @throws MediaError `bad-value` for an unknown track or a number outside its range, `limit-exceeded` when the
   * fragment must be cut, or the file ended, first. Nothing is added then.
   */
  add(trackId: number, dts: number, compositionOffset: number, keyframe: boolean, data: Uint8Array): void {
    const state = this.#track(trackId);
    const maxPending = this.#options.maxPendingBytes ?? MP4_LIMITS.pendingBytes;
    if (this.#pendingBytes + data.length > maxPending) {
      throw new MediaError(
        'limit-exceeded',
        `${this.#pendingBytes + data.length} bytes wait for a fragment, the limit is ${maxPending}`,
      );
    }
    const maxSamples = this.#options.maxSamples ?? MP4_LIMITS.trackSamples;
    if (state.added >= maxSamples) {
      throw new MediaError(
        'limit-exceeded',
        `track ${trackId} has ${maxSamples} samples, which is the limit`,
      );
    }
    let decodeTime = dts;
    let offset = compositionOffset;
    if (state.added > 0 && dts <= state.lastDts) {
      decodeTime = state.lastDts + 1;
      offset += dts - decodeTime;
    }
    if (state.added > 0 && decodeTime - state.lastDts > 0xffffffff) {
      throw new MediaError('bad-value', `DTS ${dts} comes over 2^32 - 1 ticks behind ${state.lastDts}`);
    }
    const { samples } = state;
    const at = samples.bytes;
    samples.add(data.length, decodeTime, offset, keyframe);
    if (samples.bytes > state.memory.length) state.memory = enlarged(state.memory, at, samples.bytes);
    state.memory.set(data, at);
    state.added++;
    state.lastDts = decodeTime;
    this.#pendingBytes += data.length;
    this.#pendingSamples++;
  }

  /**
   * Ends the fragment that is being gathered.
   *
   * The fragment's memory is its own until it is said to be {@link written}. Fragments may wait for a slow disk; they
   * have to be written in order. One that could not be written is simply not said to be: its samples are left out of
   * the finished file.
   *
   * @returns undefined when no sample waits.
   */
  cut(): Mp4RecordingFragment | undefined {
    const parts: RecordedPart[] = [];
    for (const [trackId, { samples, memory }] of this.#tracks) {
      if (samples.count > 0) parts.push({ trackId, samples, memory });
    }
    if (parts.length === 0) return undefined;
    const fragment = buildMp4Fragment({
      sequence: ++this.#sequence,
      tracks: parts.map(({ trackId, samples, memory }) => ({
        id: trackId,
        samples,
        pieces: [memory.subarray(0, samples.bytes)],
      })),
    });
    for (const { trackId, memory } of parts) {
      const state = this.#track(trackId);
      const spare = state.spares.pop();
      state.samples = spare?.samples ?? new Mp4SampleRun();
      state.memory = spare?.memory ?? new Uint8Array(memory.length);
    }
    this.#pendingBytes = 0;
    this.#pendingSamples = 0;
    return { ...fragment, parts };
  }

  /**
   * Takes note of a fragment that was appended to the file, at {@link size}. Its memory is used again from now on.
   *
   * @throws MediaError `bad-value` when it is not in order, or for the second time.
   */
  written(fragment: Mp4RecordingFragment): void {
    if (fragment.parts.some(({ samples }) => samples.count === 0)) {
      throw new MediaError('bad-value', 'the fragment was said to be written before');
    }
    fragment.parts.forEach(({ trackId, samples, memory }, index) => {
      const state = this.#track(trackId);
      state.tables.add(samples, this.#size + (fragment.offsets[index] ?? 0));
      samples.clear();
      if (state.spares.length < MAX_SPARES) state.spares.push({ samples, memory });
    });
    this.#size += fragment.size;
  }

  /**
   * Takes note of a fragment that already is in the file, when a recording is taken up again.
   *
   * @param runs Its samples: one run for each track at most.
   * @param size First byte behind the fragment.
   * @throws MediaError `bad-value` when it does not follow what was noted before, `limit-exceeded` over the limit;
   * nothing of it is noted then.
   */
  restore(runs: readonly RestoredRun[], size: number, sequence: number): void {
    const maxSamples = this.#options.maxSamples ?? MP4_LIMITS.trackSamples;
    const seen = new Set<number>();
    for (const { trackId, samples, offset } of runs) {
      const { tables } = this.#track(trackId);
      if (seen.has(trackId)) throw new MediaError('bad-value', `track ${trackId} twice in one fragment`);
      seen.add(trackId);
      if (tables.count + samples.count > maxSamples) {
        throw new MediaError('limit-exceeded', `track ${trackId} has over ${maxSamples} samples`);
      }
      tables.check(samples, offset);
    }
    for (const { trackId, samples, offset } of runs) {
      const state = this.#track(trackId);
      state.tables.add(samples, offset);
      state.added = state.tables.count;
      state.lastDts = state.tables.lastDts;
    }
    this.#size = size;
    this.#sequence = sequence;
  }

  /** Says where the head of a file lies that is taken up again: its reserved box, and the first fragment. */
  restoreHead(reservedAt: number, size: number): void {
    this.#reservedAt = reservedAt;
    this.#size = size;
  }

  /**
   * What makes an ordinary MP4 of the file. Samples that wait for {@link cut} are not in it.
   *
   * The time that it takes grows with the number of samples: about 0.2 s for four million. A server calls
   * {@link finishInPieces}.
   *
   * @returns new bytes; may be asked for again.
   * @throws MediaError `bad-value` when no fragment is {@link written}.
   */
  finish(): Mp4Finish {
    return { size: this.#size, tail: buildParts(this.#finishedMovie()), patch: this.#patch() };
  }

  /**
   * As {@link finish}, for long recordings: the tail comes in pieces, and between two of them the caller can do other
   * work. Samples that are {@link written} later are not in it.
   *
   * @throws MediaError `bad-value` when no fragment is {@link written}.
   */
  finishInPieces(): Mp4FinishInPieces {
    const movie = this.#finishedMovie();
    const tail = buildInPieces(movie, MP4_LIMITS.finishPieceBytes);
    return { size: this.#size, tail, tailSize: movie.size, patch: this.#patch() };
  }

  #finishedMovie(): Mp4Part {
    if (this.samples === 0) throw new MediaError('bad-value', 'the recording has no fragment yet');
    const tracks = [...this.#tracks.values()].map(({ tables }) => tables.toMovieTrack());
    return movieBox({ tracks, fragmented: false, createdAt: this.#options.createdAt });
  }

  #patch(): Mp4Finish['patch'] {
    const bytes = buildParts(
      u32(1), // size: a largesize follows
      ascii('mdat'), // type
      u64(this.#size - this.#reservedAt), // largesize
    );
    return { offset: this.#reservedAt, bytes };
  }

  #track(trackId: number): TrackState {
    const state = this.#tracks.get(trackId);
    if (state === undefined) throw new MediaError('bad-value', `the recording has no track ${trackId}`);
    return state;
  }
}

function enlarged(memory: Uint8Array, used: number, needed: number): Uint8Array {
  const larger = new Uint8Array(Math.max(FIRST_MEMORY_BYTES, needed, memory.length * 2));
  larger.set(memory.subarray(0, used));
  return larger;
}
