import { writeFile } from 'node:fs/promises';

import { LIMIT_MS, waitFor } from './process.ts';

/** A media playlist as a test looks at it. */
export interface HlsPlaylist {
  /** Where it was fetched, after the master playlist's hop. */
  readonly url: string;
  readonly text: string;
  readonly targetDuration: number;
  readonly sequence: number;
  readonly segments: readonly { readonly url: string; readonly duration: number }[];
}

/** Fetches a playlist, through a master playlist if there is one; undefined when the server answers 404. */
export async function fetchPlaylist(url: string): Promise<HlsPlaylist | undefined> {
  const response = await fetch(url);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const text = await response.text();
  const lines = text.split('\n').filter((line) => line !== '');
  if (text.includes('#EXT-X-STREAM-INF')) {
    const variant = lines.find((line) => !line.startsWith('#'));
    if (variant === undefined) throw new Error(`${url}: a master playlist without a variant`);
    return fetchPlaylist(new URL(variant, url).href);
  }
  const durations = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map((match) => Number(match[1]));
  const uris = lines.filter((line) => !line.startsWith('#'));
  return {
    url,
    text,
    targetDuration: Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1]),
    sequence: Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]),
    segments: uris.map((uri, index) => ({
      url: new URL(uri, url).href,
      duration: durations[index] ?? Number.NaN,
    })),
  };
}

/** Waits until a playlist is as wanted. */
export async function awaitPlaylist(
  url: string,
  wanted: (playlist: HlsPlaylist) => boolean,
  what: string,
  limitMs = LIMIT_MS,
): Promise<HlsPlaylist> {
  return waitFor(
    async () => {
      const playlist = await fetchPlaylist(url);
      return playlist !== undefined && wanted(playlist) ? playlist : undefined;
    },
    what,
    limitMs,
  );
}

/** Fetches every segment of a playlist and writes them as one file. */
export async function downloadSegments(playlist: HlsPlaylist, file: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for (const { url } of playlist.segments) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    parts.push(new Uint8Array(await response.arrayBuffer()));
  }
  await writeFile(file, Buffer.concat(parts));
  return file;
}
