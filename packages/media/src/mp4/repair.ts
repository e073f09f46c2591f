import { copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { readWholeBox, topLevelBox } from './box-reader.ts';
import { parseMovieFragment } from './fragment-reader.ts';
import { MP4_LIMITS } from './limits.ts';
import { type FragmentDefaults, type Mp4Track, parseMovie, type ParsedMovie } from './movie-reader.ts';
import { type ReadSteps, ReadWindow } from './read-steps.ts';
import { MP4_RESERVED_BYTES, Mp4Recording, type Mp4RecordingOptions } from './recording.ts';
import type { Mp4TrackConfig } from './track.ts';

/** What became of a recording. */
export interface Mp4Repair {
  /**
   * - `finished`: an ordinary MP4 already; leave it alone.
   * - `cut`: {@link recording} has all whole fragments. Write what its `finish()` says (truncate, append, patch).
   * - `empty`: there is no whole fragment, so nothing to be saved.
   */
  readonly state: 'finished' | 'cut' | 'empty';
  /** The recording up to its last whole fragment: to be finished, or to be gone on with at its `size`. */
  readonly recording: Mp4Recording;
  /** Bytes behind the last whole fragment that are lost; 0 when it is finished. */
  readonly lostBytes: number;
}

/**
 * Looks at a file that an {@link Mp4Recording} was writing when it was cut, whatever the moment: in a fragment, in the
 * `moov` at the end, or before the patch of the head. Only the heads of fragments are read.
 *
 * @param fileSize Bytes of the file.
 * @returns steps for `runReadSteps`.
 * @throws MediaError `unsupported` when it is no recording of this kind, `short-read` or `bad-value` when its head is
 * cut or damaged, `limit-exceeded` over one of {@link MP4_LIMITS}.
 */
export function* repairMp4(fileSize: number, options: Mp4RecordingOptions = {}): ReadSteps<Mp4Repair> {
  const window = new ReadWindow(fileSize);
  const fileType = yield* topLevelBox(window, 0);
  if (fileType?.type !== 'ftyp') {
    throw new MediaError(
      'unsupported',
      `wanted a recording, the file begins with ${fileType?.type ?? 'nothing'}`,
    );
  }
  const reserved = yield* topLevelBox(window, fileType.end);
  const patched = reserved?.type === 'mdat' && reserved.body - reserved.start === MP4_RESERVED_BYTES;
  const unpatched = reserved?.type === 'free' && reserved.end - reserved.start === MP4_RESERVED_BYTES;
  if (reserved === undefined || (!patched && !unpatched)) {
    throw new MediaError('unsupported', 'this is no recording: there is no reserved box behind ftyp');
  }
  const movieAt = reserved.start + MP4_RESERVED_BYTES;
  const box = yield* topLevelBox(window, movieAt);
  if (box?.type !== 'moov') {
    throw new MediaError('unsupported', `wanted the head of a recording, got ${box?.type ?? 'nothing'}`);
  }
  // The tables are views of this memory.
  const movie = parseMovie(copyBytes(yield* readWholeBox(window, box, MP4_LIMITS.moovBytes)));
  const recording = new Mp4Recording(trackConfigs(movie), { createdAt: movie.createdAt, ...options });
  recording.restoreHead(reserved.start, box.end);
  const rest = yield* restoreFragments(window, box.end, movie, recording);
  if (patched && reserved.end === recording.size && rest.finished) {
    return { state: 'finished', recording, lostBytes: 0 };
  }
  const state = recording.samples > 0 ? 'cut' : 'empty';
  return { state, recording, lostBytes: fileSize - recording.size };
}

interface Rest {
  /** Whether a whole `moov` follows the last fragment, and nothing more. */
  readonly finished: boolean;
}

/** Gives the recording all whole fragments, one `moof` and `mdat` after another. */
function* restoreFragments(
  window: ReadWindow,
  start: number,
  movie: ParsedMovie,
  recording: Mp4Recording,
): ReadSteps<Rest> {
  const defaults = new Map<number, FragmentDefaults>();
  for (const parsed of movie.tracks) defaults.set(parsed.track.id, parsed.defaults);
  let at = start;
  try {
    for (let boxes = 0; ; boxes += 2) {
      if (boxes > MP4_LIMITS.topLevelBoxes) {
        throw new MediaError('limit-exceeded', `over ${MP4_LIMITS.topLevelBoxes} boxes in the file`);
      }
      const moof = yield* topLevelBox(window, at);
      if (moof?.type === 'moov') return { finished: moof.end === window.fileSize };
      if (moof?.type !== 'moof') return { finished: false };
      const bytes = yield* readWholeBox(window, moof, MP4_LIMITS.moofBytes);
      const mdat = yield* topLevelBox(window, moof.end);
      if (mdat?.type !== 'mdat' || mdat.end > window.fileSize) return { finished: false };
      const fragment = parseMovieFragment(bytes, {
        moofOffset: at,
        dataEnd: mdat.end,
        defaults,
        nextDts: new Map(),
      });
      recording.restore(fragment.runs, mdat.end, fragment.sequence);
      at = mdat.end;
    }
  } catch (error) {
    if (!(error instanceof MediaError) || error.code === 'limit-exceeded') throw error;
    // Damaged from here on: what is in front of it is saved.
    return { finished: false };
  }
}

function trackConfigs(movie: ParsedMovie): Mp4TrackConfig[] {
  return movie.tracks.map(({ track }) => trackConfig(track));
}

function trackConfig(track: Mp4Track): Mp4TrackConfig {
  const { id, codec, configuration, timescale, width, height, channels, sampleRate } = track;
  switch (codec) {
    case 'h264':
    case 'hevc':
    case 'av1':
      return { id, codec, configuration, timescale, width, height };
    case 'aac':
      return { id, codec, configuration, timescale, channels };
    case 'mp3':
      return { id, codec, timescale, sampleRate, channels };
    case 'opus':
      return { id, codec, configuration, channels };
    case undefined:
      throw new MediaError('unsupported', `track ${id} of the recording: ${track.unsupported ?? 'no codec'}`);
  }
}
