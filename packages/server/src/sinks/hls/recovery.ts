import { isMasterPlaylist, parsePlaylist, type PlaylistKey } from '@sluice/media/m3u8';

import type { Disk } from '../disk/index.ts';
import type { HlsPaths } from './paths.ts';
import type { WindowEntry } from './playlist-window.ts';
import type { SegmentEncryption } from './segment.ts';

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
  for (const [index, listed] of playlist.segments.entries()) {
    const name = paths.segmentOfUri(listed.uri);
    if (name === undefined) throw new Error(`${JSON.stringify(listed.uri)} is no segment of this stream`);
    const segment = {
      sequence: playlist.mediaSequence + index,
      name,
      durationMs: Math.round(listed.duration * 1000),
      size: 0,
      programDateTime: listed.programDateTime,
      encryption: encryptionOf(listed.key),
      independent: true,
      bytes: undefined,
      place: 'disk' as const,
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

/** The key of a segment whose key file an earlier run has written: all that is needed is to name it again. */
function encryptionOf(key: PlaylistKey | undefined): SegmentEncryption | undefined {
  const { uri, iv } = key ?? {};
  if (uri === undefined || iv === undefined) return undefined;
  return { key: { name: { file: '', path: '', uri, url: undefined }, bytes: undefined }, iv };
}
