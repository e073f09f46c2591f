import { buildMasterPlaylist } from '@sluice/media/m3u8';

import type { VirtualRequest } from '../http/index.ts';
import type { HlsPlaylist } from './context.ts';
import { withViewerId } from './viewer-id.ts';

/**
 * The playlist that sends a new viewer on to the same URL with an id of its own, as SRS does. The bandwidth,
 * which is required, is at least 1 bit/s: before the first segment it is not known.
 */
export function masterPlaylist(playlist: HlsPlaylist, request: VirtualRequest, id: string): string {
  const { bandwidth, averageBandwidth, codecs, width, height } = playlist.variant;
  const path = playlist.relativeMaster ? relativeReference(request.rawPath) : request.rawPath;
  return buildMasterPlaylist({
    variants: [
      {
        uri: path.replaceAll('#', '%23') + withViewerId(request.search, id),
        bandwidth: bitsPerSecond(bandwidth),
        averageBandwidth: bitsPerSecond(averageBandwidth),
        codecs,
        width,
        height,
      },
    ],
  });
}

/** The last name of a path; one with a colon would be read as a scheme. */
function relativeReference(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.includes(':') ? `./${name}` : name;
}

function bitsPerSecond(value: number): number {
  return Number.isFinite(value) ? Math.max(1, Math.ceil(value)) : 1;
}
