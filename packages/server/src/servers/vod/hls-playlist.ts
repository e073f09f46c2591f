import { buildMediaPlaylist, leastTargetDuration, type PlaylistSegment } from '@sluice/media/m3u8';

import type { SegmentIndex } from '../../files/index.ts';

/** The name of a recording's playlist below the recording's own. */
export const PLAYLIST_NAME = 'index.m3u8';

/** EXTINF with a fraction needs version 3. */
const VERSION = 3;

/**
 * The playlist of a recording: every segment that is there, and the end.
 *
 * @param query handed on to each segment: empty, or with its `?`
 */
export function vodPlaylist(index: SegmentIndex, query: string): string {
  const segments: PlaylistSegment[] = [];
  let longestMs = 1_000;
  for (let number = 0; number < index.segmentCount; number += 1) {
    const facts = index.segment(number);
    if (facts === undefined) break;
    const { durationMs, discontinuity } = facts;
    longestMs = Math.max(longestMs, durationMs);
    segments.push({ uri: `${number}.ts${query}`, duration: durationMs / 1000, discontinuity });
  }
  return buildMediaPlaylist({
    version: VERSION,
    targetDuration: leastTargetDuration(longestMs / 1000),
    mediaSequence: 0,
    playlistType: 'VOD',
    endList: true,
    segments,
  });
}

/** The number of a segment by its name, `12.ts`; undefined for another name. */
export function segmentNumberOf(name: string): number | undefined {
  return /^(0|[1-9]\d{0,8})\.ts$/.test(name) ? Number.parseInt(name, 10) : undefined;
}
