import { buildMediaPlaylist, type PlaylistSegment } from '@sluice/media/m3u8';

import type { VhostConfig } from '../../config/index.ts';
import type { PlaylistWindow, WindowEntry } from './playlist-window.ts';

/** The configuration that the text depends on. */
export type PlaylistForm = Pick<VhostConfig['hls'], 'version' | 'programDateTime' | 'entryPrefix' | 'keyUrl'>;

/** Stands behind each own URI until the query of a player takes its place. No URI of ours has it unencoded. */
const QUERY_MARK = '\uE000';

/** The text of a playlist, as SRS has it for version 3 (L012). */
export function playlistText(window: PlaylistWindow, form: PlaylistForm): string {
  return build(window, form, { segment: '', key: '' });
}

/** What stands behind the URIs. */
interface Marks {
  readonly segment: string;
  readonly key: string;
}

/**
 * The text cut at the places where a query goes: `parts.join(query)` is the playlist of one player. Segments under
 * `hls_entry_prefix` and keys under `hls_key_url` are not ours to tell players apart by.
 */
export function playlistParts(window: PlaylistWindow, form: PlaylistForm): readonly string[] {
  const marks = {
    segment: form.entryPrefix === '' ? QUERY_MARK : '',
    key: form.keyUrl === '' ? QUERY_MARK : '',
  };
  return build(window, form, marks).split(QUERY_MARK);
}

function build(window: PlaylistWindow, form: PlaylistForm, marks: Marks): string {
  const classic = form.version === '3';
  return buildMediaPlaylist({
    version: classic ? 3 : 6,
    ...(classic ? { allowCache: true } : {}),
    ...(!classic && window.entries.every(({ segment }) => segment.independent)
      ? { independentSegments: true }
      : {}),
    mediaSequence: window.mediaSequence,
    discontinuitySequence: window.discontinuitySequence,
    targetDuration: window.targetDuration,
    segments: window.entries.map((entry) => segmentOf(entry, form, classic, marks)),
  });
}

function segmentOf(
  { segment, discontinuity }: WindowEntry,
  form: PlaylistForm,
  classic: boolean,
  marks: Marks,
): PlaylistSegment {
  const { encryption, programDateTime } = segment;
  return {
    uri: `${segment.name.uri}${marks.segment}`,
    duration: segment.durationMs / 1000,
    discontinuity,
    ...(classic ? { title: 'no desc' } : {}),
    ...(form.programDateTime && programDateTime !== undefined ? { programDateTime } : {}),
    ...(encryption === undefined
      ? {}
      : { key: { method: 'AES-128', uri: `${encryption.key.name.uri}${marks.key}`, iv: encryption.iv } }),
  };
}
