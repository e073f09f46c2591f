import { copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { readWholeBox, topLevelBox } from './box-reader.ts';
import { type CursorSource, Mp4Cursor } from './cursor.ts';
import { FragmentIndex } from './fragment-index.ts';
import { MP4_LIMITS } from './limits.ts';
import { type Mp4Track, parseMovie, type ParsedMovie, type ParsedTrack } from './movie-reader.ts';
import { type ReadSteps, ReadWindow } from './read-steps.ts';
import { RunFeed, type SampleFeed } from './sample-feed.ts';
import { TableCursor } from './table-cursor.ts';
import { FileTimeline } from './timeline.ts';

/** What a cursor goes over. */
export interface Mp4CursorOptions {
  /** track_IDs. Default: all tracks that can be played. */
  readonly tracks?: readonly number[] | undefined;
}

/** Where a file can be cut, and how long it is. */
export interface Mp4KeyframeList {
  /** DTS of each keyframe of the first video track, whole ms; empty in a file without video. */
  readonly dts: Float64Array;
  /** PTS of the same keyframes, whole ms. */
  readonly pts: Float64Array;
  /** Where the longest track ends, whole ms. */
  readonly end: number;
}

/** A `moov` and where it lies. */
export interface LocatedMovie {
  readonly movie: ParsedMovie;
  /** First byte behind the `moov`. */
  readonly end: number;
}

/**
 * Opens an MP4 file: progressive, with its `moov` at the head or at the end, or fragmented.
 *
 * @param fileSize Bytes of the file.
 * @returns steps for `runReadSteps`. The file keeps the bytes of its `moov`, and nothing more for each sample.
 * @throws MediaError `bad-value` when it is no MP4 or damaged, `short-read` when it is cut, `limit-exceeded` over one
 * of {@link MP4_LIMITS}. A track that can't be played is no error.
 */
export function* openMp4(fileSize: number): ReadSteps<Mp4File> {
  const window = new ReadWindow(fileSize);
  const { movie, end } = yield* findMovie(window, 0);
  const tracks = playableTracks(movie.tracks);
  if (!movie.fragmented) {
    return new Mp4File(fileSize, movie, tracks, new FileTimeline(tracks, []), undefined);
  }
  const fragments = new FragmentIndex(end, tracks, tracks[0]?.track.id, tableEnds(tracks));
  const first = yield* fragments.load(window, 0);
  return new Mp4File(fileSize, movie, tracks, new FileTimeline(tracks, first?.runs ?? []), fragments);
}

/** Finds and reads the `moov` box behind `start`. @throws MediaError as {@link openMp4}. */
export function* findMovie(window: ReadWindow, start: number): ReadSteps<LocatedMovie> {
  let at = start;
  for (let boxes = 0; boxes < MP4_LIMITS.topLevelBoxes; boxes++) {
    const box = yield* topLevelBox(window, at);
    if (box === undefined) {
      throw new MediaError('bad-value', 'there is no moov box: this is no MP4, or its recording was cut');
    }
    if (box.type === 'moov') {
      // The tables are views of this memory for as long as the file is open.
      const bytes = copyBytes(yield* readWholeBox(window, box, MP4_LIMITS.moovBytes));
      return { movie: parseMovie(bytes), end: box.end };
    }
    at = box.end;
  }
  throw new MediaError('limit-exceeded', `no moov among ${MP4_LIMITS.topLevelBoxes} boxes`);
}

/** An MP4 file that was opened. Give it to as many cursors as there are viewers. */
export class Mp4File {
  readonly #fileSize: number;
  readonly #movie: ParsedMovie;
  readonly #playable: readonly ParsedTrack[];
  readonly #timeline: FileTimeline;
  readonly #fragments: FragmentIndex | undefined;

  /** Files are opened by {@link openMp4}. */
  constructor(
    fileSize: number,
    movie: ParsedMovie,
    playable: readonly ParsedTrack[],
    timeline: FileTimeline,
    fragments: FragmentIndex | undefined,
  ) {
    this.#fileSize = fileSize;
    this.#movie = movie;
    this.#playable = playable;
    this.#timeline = timeline;
    this.#fragments = fragments;
  }

  /** All tracks, also those that can't be played: `unsupported` says why. */
  get tracks(): readonly Mp4Track[] {
    return this.#movie.tracks.map(({ track }) => track);
  }

  /** Whether the samples are in fragments. */
  get fragmented(): boolean {
    return this.#fragments !== undefined;
  }

  /** ms from 0 to the end of the longest track that can be played; undefined where only the fragments tell. */
  get duration(): number | undefined {
    if (this.fragmented) return undefined;
    let end = 0;
    for (const parsed of this.#playable) {
      const { duration = 0, timescale } = parsed.track;
      end = Math.max(end, this.#timeline.dts(parsed, (duration * timescale) / 1000));
    }
    return end;
  }

  /** A new place in the file, at its start. */
  cursor(options: Mp4CursorOptions = {}): Mp4Cursor {
    const { tracks: ids } = options;
    const playable = this.#playable;
    const tracks = ids === undefined ? playable : playable.filter(({ track }) => ids.includes(track.id));
    const source: CursorSource = {
      fileSize: this.#fileSize,
      tracks,
      timeline: this.#timeline,
      fragments: this.#fragments,
      indexTrack: playable[0],
    };
    return new Mp4Cursor(source);
  }

  /**
   * All keyframes of the first video track. In a progressive file it needs no byte of the file, and some 10 ms for an
   * hour; in a fragmented one it reads the head of each fragment.
   *
   * @throws MediaError `limit-exceeded` over {@link MP4_LIMITS}.keyframes.
   */
  *keyframes(): ReadSteps<Mp4KeyframeList> {
    const [first] = this.#playable;
    const video = first?.track.kind === 'video' ? first : undefined;
    const list = new KeyframeCollector(this.#timeline);
    let end = 0;
    if (video?.tables !== undefined) list.add(video, new TableCursor(video.tables));
    const fragments = this.#fragments;
    if (fragments === undefined) return list.finish(this.duration ?? 0);
    const window = new ReadWindow(this.#fileSize);
    for (let index = 0; ; index++) {
      const fragment = yield* fragments.load(window, index);
      if (fragment === undefined) break;
      if (video === undefined) continue;
      const feed = new RunFeed();
      for (const run of fragment.runs) if (run.trackId === video.track.id) feed.append(run, index);
      list.add(video, feed);
    }
    for (const parsed of this.#playable) {
      const ticks = fragments.endDts.get(parsed.track.id) ?? 0;
      end = Math.max(end, this.#timeline.dts(parsed, ticks));
    }
    return list.finish(end);
  }
}

/** The tracks that can be played, video first. */
function playableTracks(tracks: readonly ParsedTrack[]): ParsedTrack[] {
  const playable = tracks.filter(({ track }) => track.unsupported === undefined);
  return [
    ...playable.filter(({ track }) => track.kind === 'video'),
    ...playable.filter(({ track }) => track.kind !== 'video'),
  ];
}

/** Where the samples of the `moov` itself end, in ticks. */
function tableEnds(tracks: readonly ParsedTrack[]): Map<number, number> {
  const ends = new Map<number, number>();
  for (const { track, tables } of tracks) {
    if (tables === undefined || tables.count === 0) continue;
    const cursor = new TableCursor(tables);
    cursor.moveTo(tables.count - 1);
    ends.set(track.id, cursor.dts + cursor.duration);
  }
  return ends;
}

/** Gathers keyframes into arrays that double. */
class KeyframeCollector {
  readonly #timeline: FileTimeline;
  #dts = new Float64Array(64);
  #pts = new Float64Array(64);
  #count = 0;

  constructor(timeline: FileTimeline) {
    this.#timeline = timeline;
  }

  add(parsed: ParsedTrack, feed: SampleFeed): void {
    while (!feed.ended) {
      if (feed.keyframe) this.#addOne(parsed, feed);
      feed.advance();
    }
  }

  #addOne(parsed: ParsedTrack, feed: SampleFeed): void {
    if (this.#count >= MP4_LIMITS.keyframes) {
      throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.keyframes} keyframes`);
    }
    if (this.#count === this.#dts.length) {
      this.#dts = doubled(this.#dts);
      this.#pts = doubled(this.#pts);
    }
    this.#dts[this.#count] = this.#timeline.dts(parsed, feed.dts);
    this.#pts[this.#count] = this.#timeline.pts(parsed, feed.dts + feed.compositionOffset);
    this.#count++;
  }

  finish(end: number): Mp4KeyframeList {
    return { dts: this.#dts.slice(0, this.#count), pts: this.#pts.slice(0, this.#count), end };
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}
