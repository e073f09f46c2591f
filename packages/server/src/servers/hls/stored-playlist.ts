import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import type { HlsPlaylist } from './context.ts';

/** A playlist that lies on disk: of a stream that nobody publishes now, or that has no new segment yet. */
export interface StoredPlaylist {
  readonly stream: StreamId;
  readonly text: string;
  /** Changes with the text. */
  readonly version: string;
}

const KEY_URI = /^(#EXT-X-KEY:.*\bURI=")([^"]*)(")/;
const TARGET_DURATION = /^#EXT-X-TARGETDURATION:(\d{1,6})/m;
const DEFAULT_TARGET_SECONDS = 10;

/** A playlist on disk as one in memory would be: each viewer has its own query behind the URIs. */
export function storedPlaylist(
  { stream, text, version }: StoredPlaylist,
  hls: VhostConfig['hls'],
): HlsPlaylist {
  const seconds = Number(TARGET_DURATION.exec(text)?.[1] ?? DEFAULT_TARGET_SECONDS);
  return {
    kind: 'playlist',
    stream,
    sessions: hls.context,
    segmentSessions: hls.segmentContext,
    relativeMaster: hls.masterPathRelative,
    version,
    targetDurationMs: seconds * 1000,
    variant: { bandwidth: 0, averageBandwidth: 0 },
    text: (query) => (query === '' ? text : withQuery(text, query, hls)),
  };
}

/** Addresses of other servers are not ours to tell players apart by. */
function withQuery(text: string, query: string, { entryPrefix, keyUrl }: VhostConfig['hls']): string {
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('#')) {
      return keyUrl === ''
        ? line.replace(KEY_URI, (_line, before, uri, after) => `${before}${uri}${query}${after}`)
        : line;
    }
    return line.trim() === '' || entryPrefix !== '' ? line : `${line.trimEnd()}${query}`;
  });
  return lines.join('\n');
}
