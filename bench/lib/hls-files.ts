import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMasterPlaylist, parsePlaylist } from '@sluice/media/m3u8';
import { RunError } from './errors.ts';

/** Less than this share of the segments or bytes due means that they are not written. */
const BROKEN_SHARE = 0.8;
/** A segment may leave the playlist, and the disk, between reading the one and looking for the other. */
const MISSING_SHARE = 0.02;

/** What lies in a folder of live HLS. */
export interface HlsCount {
  readonly playlists: number;
  /** Segments that the playlists have named since their begin. */
  readonly written: number;
  /** Segments that the playlists name now, how long and large they are, and how many are not there. */
  readonly listed: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly missing: number;
}

/** What should lie there. */
export interface HlsDue {
  readonly streams: number;
  readonly fragmentSeconds: number;
  /** How long the streams have been published. */
  readonly elapsedSeconds: number;
  /** Bit rate of each stream. */
  readonly kbps: number;
}

/** Counts the media playlists under a folder and the segments that they name. */
export function countHls(folder: string): HlsCount {
  const counts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.m3u8'))
    .map((name) => countPlaylist(join(folder, name)));
  const sum = (key: keyof HlsCount): number => counts.reduce((total, count) => total + count[key], 0);
  return {
    playlists: sum('playlists'),
    written: sum('written'),
    listed: sum('listed'),
    seconds: sum('seconds'),
    bytes: sum('bytes'),
    missing: sum('missing'),
  };
}

/**
 * A server that writes fewer segments than are due is not compared with one that writes all.
 * @throws RunError `not-delivered`
 */
export function requireHls(what: string, count: HlsCount, due: HlsDue): void {
  const segments = Math.max(1, due.elapsedSeconds / due.fragmentSeconds - 1) * due.streams;
  const bytes = (count.seconds * due.kbps * 1000) / 8;
  const problem =
    count.playlists < due.streams
      ? `${count.playlists} playlists of ${due.streams}`
      : count.written < segments * BROKEN_SHARE
        ? `${count.written} segments of ${segments.toFixed(0)}`
        : count.missing > count.listed * MISSING_SHARE
          ? `${count.missing} of the ${count.listed} segments in the playlists are not there`
          : count.bytes < bytes * BROKEN_SHARE
            ? `${count.bytes} bytes for ${count.seconds.toFixed(0)} s of media`
            : undefined;
  if (problem !== undefined)
    throw new RunError('not-delivered', `${what} did not write all of HLS: ${problem}`);
}

/** Counts the files under a folder, with their bytes; none where there is no folder. */
export function countFiles(folder: string): { files: number; bytes: number } {
  if (!existsSync(folder)) return { files: 0, bytes: 0 };
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.size);
  return { files: sizes.length, bytes: sizes.reduce((total, size) => total + size, 0) };
}

function countPlaylist(file: string): HlsCount {
  const playlist = parsePlaylist(readFileSync(file, 'utf8'));
  if (isMasterPlaylist(playlist))
    return { playlists: 0, written: 0, listed: 0, seconds: 0, bytes: 0, missing: 0 };
  const { segments, mediaSequence } = playlist;
  const sizes = segments.map(({ uri }) =>
    statSync(join(dirname(file), decodeURIComponent(uri)), { throwIfNoEntry: false }),
  );
  return {
    playlists: 1,
    written: mediaSequence + segments.length,
    listed: segments.length,
    seconds: segments.reduce((total, { duration }) => total + duration, 0),
    bytes: sizes.reduce((total, entry) => total + (entry?.size ?? 0), 0),
    missing: sizes.filter((entry) => entry === undefined).length,
  };
}
