import { isMasterPlaylist, parsePlaylist, type PlaylistKey } from '@sluice/media/m3u8';

import type { Disk } from '../disk/index.ts';
import type { HlsPaths } from './paths.ts';
import type { WindowEntry } from './playlist-window.ts';
import type { SegmentEncryption, SegmentKey } from './segment.ts';

/** A longer segment, s, was not written by us: its playlist is not gone on with. */
const MAX_SEGMENT_SECONDS = 3600;

/** What an earlier run left. */
export interface RecoveredPlaylist {
  /** The number of the next segment. */
  readonly nextSequence: number;
  /** Discontinuities that had left the playlist. */
  readonly discontinuitySequence: number;
  /** Seconds. */
  readonly targetDuration: number;
  /** What it lists, as far as these are files of ours. */
  readonly entries: readonly WindowEntry[];
}

/**
 * Reads the playlist that an earlier run left on disk (`hls_recover`).
 *
 * @returns undefined when there is none
 * @throws DiskError; MediaError or Error for a file that is no live playlist
 */
export async function recoverPlaylist(
  disk: Disk,
  paths: HlsPaths,
  maxBytes: number,
): Promise<RecoveredPlaylist | undefined> {
  const text = await disk.readText(paths.playlist.file, maxBytes);
  if (text === undefined) return undefined;
  const playlist = parsePlaylist(text);
  if (isMasterPlaylist(playlist)) throw new Error('it is a master playlist');
  if (playlist.segments.some(({ duration }) => duration > MAX_SEGMENT_SECONDS)) {
    throw new Error('it has segments of hours');
  }
  const entries: WindowEntry[] = [];
  const keys = new Map<string, SegmentKey>();
  for (const [index, listed] of playlist.segments.entries()) {
    const name = paths.segmentOfUri(listed.uri);
    if (name === undefined) throw new Error(`${JSON.stringify(listed.uri)} is no segment of this stream`);
    const segment = {
      sequence: playlist.mediaSequence + index,
      name,
      durationMs: Math.round(listed.duration * 1000),
      size: 0,
      programDateTime: listed.programDateTime,
      encryption: encryptionOf(listed.key, paths, keys),
      independent: true,
      bytes: undefined,
      // What somebody else has named is listed, and never removed.
      place: paths.isSegment(name.path) ? ('disk' as const) : ('memory' as const),
      forgotten: false,
    };
    entries.push({ segment, discontinuity: listed.discontinuity === true });
  }
  return {
    nextSequence: playlist.mediaSequence + playlist.segments.length,
    discontinuitySequence: playlist.discontinuitySequence ?? 0,
    targetDuration: playlist.targetDuration,
    entries,
  };
}

/**
 * The key of a segment whose key file an earlier run has written: it is named again, and removed with its last segment.
 *
 * @param keys - those of the segments before, by their URIs
 */
function encryptionOf(
  key: PlaylistKey | undefined,
  paths: HlsPaths,
  keys: Map<string, SegmentKey>,
): SegmentEncryption | undefined {
  const { uri, iv } = key ?? {};
  if (uri === undefined || iv === undefined) return undefined;
  const name = paths.keyOfUri(uri) ?? { file: '', path: '', uri, url: undefined };
  const known = keys.get(uri) ?? { name, bytes: undefined };
  keys.set(uri, known);
  return { key: known, iv };
}
