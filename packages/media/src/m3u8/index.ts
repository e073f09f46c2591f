/** HLS playlists (RFC 8216), both directions. */
export { buildMasterPlaylist, buildMediaPlaylist, leastTargetDuration } from './build.ts';
export { DEFAULT_M3U8_LIMITS, type M3u8Limits } from './limits.ts';
export { parsePlaylist } from './parse.ts';
export {
  isMasterPlaylist,
  type MasterPlaylist,
  type MediaPlaylist,
  type PlaylistByteRange,
  type PlaylistKey,
  type PlaylistMap,
  type PlaylistRendition,
  type PlaylistSegment,
  type PlaylistVariant,
} from './playlist.ts';
