import { posix, relative, resolve } from 'node:path';

import type { VhostConfig } from '../config/index.ts';

/** Where the built-in page finds the live streams of a vhost: templates with `[vhost]`, `[app]` and `[stream]`. */
export interface PageMounts {
  readonly flvMount?: string;
  readonly hlsMount?: string;
}

/**
 * Finds what the page can play.
 *
 * @param httpDir - the directory of the HTTP server
 */
export function pageMounts({ httpRemux, hls }: VhostConfig, httpDir: string): PageMounts {
  const flvMount = httpRemux.enabled ? httpRemux.mounts.find((mount) => mount.endsWith('.flv')) : undefined;
  const hlsMount = hls.enabled ? hlsMountOf(hls, httpDir) : undefined;
  return {
    ...(flvMount === undefined ? {} : { flvMount }),
    ...(hlsMount === undefined ? {} : { hlsMount }),
  };
}

/** Playlists have an address in memory, or where the HTTP server's directory reaches them. */
function hlsMountOf(hls: VhostConfig['hls'], httpDir: string): string | undefined {
  if (hls.storage !== 'disk') return hls.mount;
  const below = relative(resolve(httpDir), resolve(hls.path));
  const isOutside = below === '..' || below.startsWith('../');
  // A name that says the time can't be guessed by a page.
  const isKnown = hls.playlistFile.replaceAll(/\[(vhost|app|stream)\]/g, '').search(/\[.+\]/) < 0;
  return isOutside || !isKnown ? undefined : posix.join('[vhost]', below, hls.playlistFile);
}
