import { MediaError } from '../errors.ts';
import type { FragmentIndex } from './fragment-index.ts';
import type { FragmentRun } from './fragment-reader.ts';
import { MP4_LIMITS } from './limits.ts';
import type { Mp4Track, ParsedTrack } from './movie-reader.ts';
import { type ReadSteps, ReadWindow } from './read-steps.ts';
import { RunFeed, type SampleFeed } from './sample-feed.ts';
import { TableCursor } from './table-cursor.ts';
import type { FileTimeline } from './timeline.ts';

/** A sample of a file: where it lies and when it is shown. */
export interface Mp4Sample {
  readonly track: Mp4Track;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Whole ms on the file's timeline, never negative. */
  readonly dts: number;
  /** Whole ms on the file's timeline. */
  readonly pts: number;
  /** Ticks of the track's timescale to the next sample. */
  readonly duration: number;
  readonly keyframe: boolean;
}

/** What a cursor goes over: an open file, as its cursors see it. */
export interface CursorSource {
  readonly fileSize: number;
  /** Tracks to read, the reference track first. */
  readonly tracks: readonly ParsedTrack[];
  readonly timeline: FileTimeline;
  /** Undefined in a progressive file. */
  readonly fragments: FragmentIndex | undefined;
  /** The track by whose time the fragments are found; it need not be one of {@link tracks}. */
  readonly indexTrack: ParsedTrack | undefined;
}

interface TrackFeed<Feed extends SampleFeed = SampleFeed> {
  readonly parsed: ParsedTrack;
  readonly feed: Feed;
}

/** Samples of one batch by default. */
const DEFAULT_BATCH = 256;
/** How many keyframes a seek goes back to find one that is shown in time. */
const MAX_KEYFRAMES_BACK = 8;
/** How many fragments a seek goes back to find a keyframe. */
const MAX_FRAGMENTS_BACK = 1024;
/** How many fragments are read ahead to find the samples of a track that lie behind those of another. */
const MAX_FRAGMENTS_AHEAD = 8;

/**
 * A place in a file. A file may have many; each has a few KB of memory, and in a fragmented file the tables of a
 * fragment or two. One of its steps at a time.
 */
export class Mp4Cursor {
  readonly #source: CursorSource;
  readonly #window: ReadWindow;
  /** The samples that the `moov` itself lists: they come in front of all fragments. */
  #tables: TrackFeed<TableCursor>[] = [];
  #runs: TrackFeed<RunFeed>[] = [];
  /** The fragment to read next; undefined behind the last one. */
  #next: number | undefined = 0;
  /** Nothing of the reference track is given before this DTS, in ticks, and of the others before this, in ms. */
  #notBefore = { ticks: 0, ms: 0 };

  constructor(source: CursorSource) {
    this.#source = source;
    this.#window = new ReadWindow(source.fileSize);
    this.#openTables();
    this.#openFragments(source.fragments === undefined ? undefined : 0);
  }

  /**
   * The next samples in the order of their DTS, the reference track (the first video track, or else sound) first
   * where two are the same. Where a fragmented file has one track far behind another, the order is the file's.
   *
   * @param most Samples to give at most.
   * @returns as many, or what is left; none at the end of the file.
   * @throws MediaError `short-read` when a sample is not in the file, `limit-exceeded` when one is too big.
   */
  *read(most: number = DEFAULT_BATCH): ReadSteps<Mp4Sample[]> {
    const samples: Mp4Sample[] = [];
    while (samples.length < most) {
      let next = this.#earliest(this.#tables);
      if (next === undefined) {
        while (this.#wantsFragment()) yield* this.#readFragment();
        next = this.#earliest(this.#runs);
      }
      if (next === undefined) break;
      samples.push(this.#take(next));
    }
    return samples;
  }

  /**
   * Goes to the keyframe of the reference track that is shown at or before a time; to the start of the file when there
   * is none. The other tracks follow from the first sample that is not before it.
   *
   * @param time ms on the file's timeline.
   * @returns DTS of that keyframe in ms; 0 when it goes to the start.
   * @throws MediaError as {@link read}.
   */
  *seek(time: number): ReadSteps<number> {
    this.#notBefore = { ticks: 0, ms: 0 };
    const reference = this.#source.tracks[0];
    if (reference === undefined) return 0;
    if (!(yield* this.#seekFragments(reference, time))) this.#seekTables(reference, time);
    return this.#notBefore.ms;
  }

  #seekTables(reference: ParsedTrack, time: number): void {
    const { timeline } = this.#source;
    this.#openTables();
    this.#openFragments(this.#source.fragments === undefined ? undefined : 0);
    const cursor = this.#tables[0]?.feed;
    if (cursor === undefined || cursor.ended) return;
    let index = cursor.indexAt(timeline.ticks(reference, time));
    cursor.moveTo(index);
    // The ticks of the end of a millisecond may belong to the next one.
    if (index > 0 && timeline.dts(reference, cursor.dts) > time) index--;
    let keyframe = cursor.keyframeAt(index);
    for (let back = 0; keyframe !== undefined; back++) {
      cursor.moveTo(keyframe);
      const shown = timeline.pts(reference, cursor.dts + cursor.compositionOffset);
      if (shown <= time || keyframe === 0 || back >= MAX_KEYFRAMES_BACK) break;
      keyframe = cursor.keyframeAt(keyframe - 1);
    }
    if (keyframe === undefined) {
      cursor.moveTo(0);
      return;
    }
    this.#notBefore = { ticks: cursor.dts, ms: timeline.dts(reference, cursor.dts) };
    for (const { parsed, feed } of this.#tables.slice(1)) {
      feed.moveTo(feed.indexAt(timeline.ticks(parsed, this.#notBefore.ms)) - 1);
      while (!feed.ended && this.#isEarly(parsed, feed)) feed.advance();
    }
  }

  /** Whether there is such a keyframe in a fragment; the cursor is there then. */
  *#seekFragments(reference: ParsedTrack, time: number): ReadSteps<boolean> {
    const { fragments, indexTrack, timeline } = this.#source;
    if (fragments === undefined || indexTrack === undefined) return false;
    const begins = (index: number): number | undefined => {
      const dts = fragments.dts(index);
      return dts === undefined ? undefined : timeline.dts(indexTrack, dts);
    };
    // Know all fragments up to the first one that begins later.
    let last = fragments.length - 1;
    while (!((begins(last) ?? -Infinity) > time)) {
      if ((yield* fragments.load(this.#window, last + 1)) === undefined) break;
      last++;
    }
    const lowest = Math.max(0, last - MAX_FRAGMENTS_BACK);
    for (let back = 0, index = last; index >= 0 && back < MAX_FRAGMENTS_BACK; index--) {
      if (!((begins(index) ?? Infinity) <= time)) continue;
      back++;
      const fragment = yield* fragments.load(this.#window, index);
      const ticks = this.#keyframeIn(fragment?.runs ?? [], reference, time);
      if (ticks === undefined) continue;
      this.#notBefore = { ticks, ms: timeline.dts(reference, ticks) };
      // Sound may have a fragment of its own in front of the video's.
      while (index > lowest && begins(index - 1) === undefined) index--;
      this.#tables = [];
      this.#openFragments(index);
      return true;
    }
    return false;
  }

  /** DTS of the last keyframe that is shown at or before a time. */
  #keyframeIn(runs: readonly FragmentRun[], reference: ParsedTrack, time: number): number | undefined {
    const { timeline } = this.#source;
    let found: number | undefined;
    for (const { trackId, samples } of runs) {
      if (trackId !== reference.track.id) continue;
      for (let index = 0; index < samples.count; index++) {
        const dts = samples.dts(index);
        if (timeline.dts(reference, dts) > time) break;
        if (!samples.keyframe(index)) continue;
        if (timeline.pts(reference, dts + samples.compositionOffset(index)) <= time) found = dts;
      }
    }
    return found;
  }

  #openTables(): void {
    this.#tables = [];
    for (const parsed of this.#source.tracks) {
      if (parsed.tables !== undefined) this.#tables.push({ parsed, feed: new TableCursor(parsed.tables) });
    }
  }

  /** Goes to the start of a fragment. */
  #openFragments(index: number | undefined): void {
    this.#next = index;
    this.#runs = this.#source.tracks.map((parsed) => ({ parsed, feed: new RunFeed() }));
  }

  /** Whether a track has no sample left, and the next fragment is not too far ahead of the others. */
  #wantsFragment(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    let lowest = next;
    let empty = false;
    for (const { feed } of this.#runs) {
      if (feed.part === undefined) empty = true;
      else lowest = Math.min(lowest, feed.part);
    }
    return empty && next - lowest < MAX_FRAGMENTS_AHEAD;
  }

  *#readFragment(): ReadSteps<void> {
    const { fragments } = this.#source;
    const index = this.#next;
    if (fragments === undefined || index === undefined) return;
    const fragment = yield* fragments.load(this.#window, index);
    this.#next = fragment === undefined ? undefined : index + 1;
    for (const { parsed, feed } of this.#runs) {
      for (const run of fragment?.runs ?? []) {
        if (run.trackId === parsed.track.id) feed.append(run, index);
      }
      while (!feed.ended && this.#isEarly(parsed, feed)) feed.advance();
    }
  }

  /** Whether the sample lies in front of where the cursor was sent. */
  #isEarly(parsed: ParsedTrack, feed: SampleFeed): boolean {
    if (parsed === this.#source.tracks[0]) return feed.dts < this.#notBefore.ticks;
    return this.#source.timeline.dts(parsed, feed.dts) < this.#notBefore.ms;
  }

  #earliest(feeds: readonly TrackFeed[]): TrackFeed | undefined {
    let earliest: TrackFeed | undefined;
    let earliestMs = Infinity;
    for (const candidate of feeds) {
      if (candidate.feed.ended) continue;
      const ms = this.#source.timeline.dts(candidate.parsed, candidate.feed.dts);
      if (ms < earliestMs) {
        earliest = candidate;
        earliestMs = ms;
      }
    }
    return earliest;
  }

  #take({ parsed, feed }: TrackFeed): Mp4Sample {
    const { timeline, fileSize } = this.#source;
    const { position, size, dts } = feed;
    if (size > MP4_LIMITS.sampleBytes) {
      throw new MediaError(
        'limit-exceeded',
        `a sample of ${size} bytes, the limit is ${MP4_LIMITS.sampleBytes}`,
      );
    }
    if (position + size > fileSize) {
      throw new MediaError(
        'short-read',
        `a sample at bytes ${position}..${position + size}, the file has ${fileSize}`,
      );
    }
    const sample: Mp4Sample = {
      track: parsed.track,
      offset: position,
      size,
      dts: timeline.dts(parsed, dts),
      pts: Math.max(timeline.pts(parsed, dts + feed.compositionOffset), timeline.dts(parsed, dts)),
      duration: feed.duration,
      keyframe: feed.keyframe,
    };
    feed.advance();
    return sample;
  }
}
