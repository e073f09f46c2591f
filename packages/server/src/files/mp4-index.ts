import type { FlvTag } from '@sluice/media/flv';
import type { AudioCodec, VideoCodec } from '@sluice/media/model';
import type { Mp4File as ParsedMp4, Mp4Sample } from '@sluice/media/mp4';

import { MediaFileError } from './errors.ts';
import type { FileBytes, FileState } from './file-bytes.ts';
import {
  chooseTracks,
  headerTagsOf,
  openParsedMp4,
  type PlayedTracks,
  readSampleTags,
  runSteps,
} from './mp4-samples.ts';
import type { SegmentFacts, SegmentIndex, SegmentPlan } from './segment-index.ts';

const SAMPLES_AT_ONCE = 128;

interface Columns {
  /** DTS at which each segment begins, ms. */
  readonly starts: readonly number[];
  /** A time at which the keyframe at or before the segment's begin is shown, ms. */
  readonly seeks: readonly number[];
  /** Where the last one ends, ms. */
  readonly end: number;
}

interface Parts {
  readonly state: FileState;
  readonly tracks: PlayedTracks;
  readonly columns: Columns;
  /**
   * The file's own tables, kept where they are found by a walk over its fragments and small. Those of a progressive
   * file are large and found at once: they are read again for each segment.
   */
  readonly parsed: ParsedMp4 | undefined;
}

/** Where an MP4 file can be cut. */
export class Mp4Index implements SegmentIndex {
  readonly format = 'mp4';
  readonly source = 'tables';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get state(): FileState {
    return this.#parts.state;
  }

  get segmentCount(): number {
    return this.#parts.columns.starts.length;
  }

  get durationMs(): number {
    const { starts, end } = this.#parts.columns;
    return end - (starts[0] ?? end);
  }

  get videoCodec(): VideoCodec | undefined {
    return this.#parts.tracks.video?.codec;
  }

  get audioCodec(): AudioCodec | undefined {
    return this.#parts.tracks.audio?.codec;
  }

  get skipped(): readonly string[] {
    return this.#parts.tracks.skipped;
  }

  segment(number: number): SegmentFacts | undefined {
    const { starts, end } = this.#parts.columns;
    const startMs = starts[number];
    if (startMs === undefined) return undefined;
    const durationMs = Math.max(1, (starts[number + 1] ?? end) - startMs);
    return { startMs, durationMs, discontinuity: false };
  }

  async *read(bytes: FileBytes, number: number): AsyncGenerator<readonly FlvTag[], void, void> {
    const { columns, tracks } = this.#parts;
    const start = columns.starts[number];
    const seek = columns.seeks[number];
    if (start === undefined || seek === undefined) throw new RangeError(`no segment ${number}`);
    const stop = columns.starts[number + 1] ?? Infinity;
    const parsed = this.#parts.parsed ?? (await openParsedMp4(bytes));
    const cursor = parsed.cursor({ tracks: trackIds(tracks) });
    if (number > 0) await runSteps(bytes, cursor.seek(seek));
    yield headerTagsOf(tracks, start);
    const from = number === 0 ? -Infinity : start;
    while (true) {
      const samples = await runSteps(bytes, cursor.read(SAMPLES_AT_ONCE));
      const inside = samples.filter(({ dts }) => dts >= from && dts < stop);
      if (inside.length > 0) yield* readSampleTags(bytes, inside);
      if (samples.length === 0 || isBehind(samples, stop)) return;
    }
  }
}

/** Makes the index of an MP4 file. @throws MediaFileError `no-media`, `damaged`, `io` */
export async function indexMp4(bytes: FileBytes, plan: SegmentPlan): Promise<Mp4Index> {
  const parsed = await openParsedMp4(bytes);
  const keyframes = await runSteps(bytes, parsed.keyframes());
  const chosen = chooseTracks(parsed.tracks);
  const tracks = keyframes.dts.length > 0 ? chosen : withoutVideo(chosen);
  if (tracks.video === undefined && tracks.audio === undefined) {
    throw new MediaFileError('no-media', `${bytes.path} has no audio and no video that can be played`);
  }
  const columns =
    tracks.video === undefined
      ? cutEvenly(keyframes.end, plan)
      : cutAtKeyframes(keyframes.dts, keyframes.pts, keyframes.end, plan);
  if (columns.starts.length === 0) {
    throw new MediaFileError('no-media', `${bytes.path} has no audio and no video`);
  }
  return new Mp4Index({
    state: bytes.state,
    tracks,
    columns,
    parsed: parsed.fragmented ? parsed : undefined,
  });
}

/** Video that nobody can begin to decode, or that has no frame at all. */
function withoutVideo({ video, audio, skipped }: PlayedTracks): PlayedTracks {
  if (video === undefined) return { video, audio, skipped };
  return {
    video: undefined,
    audio,
    skipped: [...skipped, `track ${video.id} (${video.codec}): no keyframe`],
  };
}

function trackIds({ video, audio }: PlayedTracks): number[] {
  return [video, audio].flatMap((track) => (track === undefined ? [] : [track.id]));
}

/** Samples come in the order of their DTS, nearly: a track may be a little behind the other. */
function isBehind(samples: readonly Mp4Sample[], stop: number): boolean {
  return samples.every(({ dts }) => dts >= stop);
}

function cutEvenly(end: number, { targetMs, maxSegments }: SegmentPlan): Columns {
  const starts: number[] = [];
  for (let start = 0; start < end && starts.length < maxSegments; start += targetMs) starts.push(start);
  return { starts, seeks: starts, end };
}

function cutAtKeyframes(dts: Float64Array, pts: Float64Array, end: number, plan: SegmentPlan): Columns {
  const starts: number[] = [];
  const seeks: number[] = [];
  const cut = (start: number, seek: number): void => {
    if (starts.length >= plan.maxSegments) return;
    starts.push(start);
    seeks.push(seek);
  };
  // A file without a keyframe, or with one that is late, begins all the same.
  cut(Math.min(0, dts[0] ?? 0), 0);
  for (let index = 0; index <= dts.length; index += 1) {
    const time = dts[index] ?? end;
    const seek = pts[index - 1] ?? 0;
    for (let last = starts.at(-1) ?? 0; time - last > plan.maxMs; last += plan.maxMs) {
      cut(last + plan.maxMs, seek);
      if (starts.length >= plan.maxSegments) break;
    }
    if (index < dts.length && time - (starts.at(-1) ?? 0) >= plan.targetMs) cut(time, pts[index] ?? time);
  }
  return { starts, seeks, end };
}
