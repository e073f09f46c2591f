import { isMasterPlaylist, parsePlaylist } from '@sluice/media/m3u8';

import type { HlsPaths } from './paths.ts';

/** All tags of the playlists that we write. */
const OWN_TAGS: ReadonlySet<string> = new Set([
  'EXTM3U',
  'EXTINF',
  'EXT-X-VERSION',
  'EXT-X-ALLOW-CACHE',
  'EXT-X-INDEPENDENT-SEGMENTS',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-DISCONTINUITY-SEQUENCE',
  'EXT-X-DISCONTINUITY',
  'EXT-X-TARGETDURATION',
  'EXT-X-KEY',
  'EXT-X-PROGRAM-DATE-TIME',
]);

/** The files that a playlist of ours names; those of other servers are left out. */
export interface NamedFiles {
  readonly segments: readonly string[];
  readonly keys: readonly string[];
}

/**
 * Reads a playlist that lies where a stream's would be. It is ours when it is live (without an end), has no tag that
 * we don't write, is marked as ours are, and lists nothing but segments of this stream.
 *
 * @returns the absolute paths of the files that it names; undefined when it is somebody else's
 */
export function readOwnPlaylist(text: string, paths: HlsPaths): NamedFiles | undefined {
  if (!hasOwnForm(text)) return undefined;
  let playlist;
  try {
    playlist = parsePlaylist(text);
  } catch {
    return undefined;
  }
  if (isMasterPlaylist(playlist) || playlist.segments.length === 0) return undefined;
  const segments = new Set<string>();
  const keys = new Set<string>();
  for (const { uri, key } of playlist.segments) {
    const name = paths.segmentOfUri(uri);
    if (name === undefined || !paths.isSegment(name.path)) return undefined;
    segments.add(name.file);
    const keyName = key?.uri === undefined ? undefined : paths.keyOfUri(key.uri);
    if (keyName !== undefined) keys.add(keyName.file);
  }
  return { segments: [...segments], keys: [...keys] };
}

function hasOwnForm(text: string): boolean {
  const lines = text.split('\n').map((line) => line.trim());
  const tags = lines.flatMap((line) =>
    line.startsWith('#') ? [/^#([A-Z0-9-]*)/.exec(line)?.[1] ?? ''] : [],
  );
  if (!tags.every((tag) => OWN_TAGS.has(tag))) return false;
  const titles = lines.flatMap((line) =>
    line.startsWith('#EXTINF:') ? [/,\s*(.*)$/.exec(line)?.[1] ?? ''] : [],
  );
  const isClassic = lines.includes('#EXT-X-ALLOW-CACHE:YES');
  return isClassic
    ? lines.includes('#EXT-X-VERSION:3') && titles.every((title) => title === 'no desc')
    : lines.includes('#EXT-X-VERSION:6') && titles.every((title) => title === '');
}
