import { isMasterPlaylist, type MediaPlaylist, parsePlaylist } from '@sluice/media/m3u8';
import { pause } from './children.ts';
import { RunError } from './errors.ts';

const POLL_MS = 100;

/** A media playlist and where it was found. */
export interface FoundPlaylist {
  readonly url: string;
  readonly playlist: MediaPlaylist;
  /** Absolute addresses of its segments. */
  readonly segments: readonly string[];
}

/**
 * Fetches a playlist; from a master playlist on its first variant, as a player does.
 * @throws RunError `not-delivered` when the server has none
 */
export async function fetchPlaylist(url: string): Promise<FoundPlaylist> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new RunError('not-delivered', `${url} answers ${response.status}`);
  const playlist = parsePlaylist(text);
  if (!isMasterPlaylist(playlist)) {
    return { url, playlist, segments: playlist.segments.map(({ uri }) => new URL(uri, url).href) };
  }
  const uri = playlist.variants[0]?.uri;
  if (uri === undefined) throw new RunError('not-delivered', `${url} names no variant`);
  return fetchPlaylist(new URL(uri, url).href);
}

/**
 * Waits until a live playlist names so many segments.
 * @throws RunError `not-delivered` when it does not in time
 */
export async function waitForSegments(url: string, count: number, timeoutMs: number): Promise<FoundPlaylist> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const found = await fetchPlaylist(url);
      if (found.segments.length >= count) return found;
    } catch (error) {
      // Before the first segment there is no playlist.
      if (!(error instanceof RunError)) throw error;
    }
    if (performance.now() > deadline) {
      throw new RunError('not-delivered', `${url} did not name ${count} segments in ${timeoutMs / 1000} s`);
    }
    await pause(POLL_MS);
  }
}
