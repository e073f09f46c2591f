import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import type { HlsPlaylistItem, HlsVariant } from './items.ts';
import type { FinishedSegment } from './output-options.ts';
import { playlistParts } from './playlist-text.ts';
import type { PlaylistWindow } from './playlist-window.ts';

/** What a playlist in memory is made of. */
export interface PlaylistItemSource {
  readonly stream: StreamId;
  readonly config: VhostConfig['hls'];
  readonly window: PlaylistWindow;
  readonly tracks: FinishedSegment['tracks'];
  /** Another one for each text. */
  readonly version: string;
}

/** The playlist for the HTTP server, as the window is now: what happens to the window later does not change it. */
export function playlistItem({
  stream,
  config,
  window,
  tracks,
  version,
}: PlaylistItemSource): HlsPlaylistItem {
  const parts = playlistParts(window, config);
  const plain = parts.join('');
  return {
    kind: 'playlist',
    stream,
    sessions: config.context,
    segmentSessions: config.segmentContext,
    relativeMaster: config.masterPathRelative,
    version,
    targetDurationMs: window.targetDuration * 1000,
    variant: variantOf(window, tracks),
    text: (query) => (query === '' ? plain : parts.join(query)),
  };
}

function variantOf(window: PlaylistWindow, { video, audio }: FinishedSegment['tracks']): HlsVariant {
  let bits = 0;
  let ms = 0;
  let peak = 0;
  for (const { segment } of window.entries) {
    // What an earlier run has written is of unknown size.
    if (segment.size === 0) continue;
    bits += segment.size * 8;
    ms += segment.durationMs;
    peak = Math.max(peak, (segment.size * 8000) / segment.durationMs);
  }
  const codecs = [video, audio].filter((track) => track !== undefined).map(({ codec }) => codec);
  const known = codecs.length > 0 && !codecs.includes(undefined);
  return {
    bandwidth: Math.ceil(peak),
    averageBandwidth: Math.ceil((bits * 1000) / Math.max(1, ms)),
    ...(known ? { codecs: codecs.join(',') } : {}),
    ...(video?.width === undefined ? {} : { width: video.width, height: video.height }),
  };
}
