import { Section } from './section.ts';
import { choice, decimal, flag, integer, path, seconds, text, words } from './values.ts';

/** Where files go when nothing else is said. */
const HTML_DIRECTORY = './objs/nginx/html';

/** `hls{}` of a vhost. */
export const hlsSection = new Section('hls', {
  enabled: flag('enabled', { default: false, means: 'Writes HLS playlists and segments.' }),
  fragmentMs: seconds('hls_fragment', {
    default: 10_000,
    min: 100,
    means: 'The length of a segment to aim for.',
  }),
  targetDurationRatio: decimal('hls_td_ratio', {
    default: 1.5,
    min: 1,
    means: 'The target duration of the first playlist, in fragments.',
  }),
  audioOverflowRatio: decimal('hls_aof_ratio', {
    default: 2,
    min: 1,
    means: 'A segment without a keyframe is cut at so many fragments.',
  }),
  windowMs: seconds('hls_window', { default: 60_000, min: 100, means: 'How much the playlist holds.' }),
  onError: choice('hls_on_error', ['ignore', 'disconnect', 'continue'], {
    default: 'continue',
    means: 'When HLS fails: stop HLS, drop the publisher, or go on as far as possible.',
  }),
  path: path('hls_path', { default: HTML_DIRECTORY, means: 'The directory of playlists and segments.' }),
  playlistFile: text('hls_m3u8_file', {
    default: '[app]/[stream].m3u8',
    shape: 'TEMPLATE',
    means: "The playlist's name, with `[vhost]`, `[app]`, `[stream]` and the parts of the time.",
  }),
  segmentFile: text('hls_ts_file', {
    default: '[app]/[stream]-[seq].ts',
    shape: 'TEMPLATE',
    means: "A segment's name; `[seq]` is its number, `[timestamp]` its time.",
  }),
  fmp4File: text('hls_fmp4_file', {
    default: '[app]/[stream]-[seq].m4s',
    shape: 'TEMPLATE',
    means: 'The name of an fMP4 segment.',
  }),
  initFile: text('hls_init_file', {
    default: '[app]/[stream]/init.mp4',
    shape: 'TEMPLATE',
    means: 'The name of the fMP4 initialisation segment.',
  }),
  useFmp4: flag('hls_use_fmp4', { default: false, means: 'Writes fMP4 segments rather than MPEG-TS.' }),
  floor: flag('hls_ts_floor', {
    default: false,
    means: 'Numbers segments by the clock, so that two origins give the same names.',
  }),
  entryPrefix: text('hls_entry_prefix', {
    default: '',
    shape: 'URL',
    means: 'Put before each segment in the playlist.',
  }),
  audioCodec: choice('hls_acodec', ['aac', 'mp3', 'an'], {
    default: 'aac',
    means: 'The audio codec to announce before the first frame; `an` is none.',
  }),
  videoCodec: choice('hls_vcodec', ['h264', 'h265', 'vn'], {
    default: 'h264',
    means: 'The video codec to announce before the first frame; `vn` is none.',
  }),
  cleanup: flag('hls_cleanup', { default: true, means: 'Deletes segments that left the playlist.' }),
  disposeMs: seconds('hls_dispose', {
    default: 0,
    means: 'Deletes everything so long after the publisher went; 0 does so only at the exit.',
  }),
  recover: flag('hls_recover', {
    default: true,
    means: 'Goes on with the playlist that an earlier run left.',
  }),
  notifyBytes: integer('hls_nb_notify', {
    default: 64,
    shape: 'BYTES',
    means: 'How much of the answer to `on_hls_notify` is read.',
  }),
  waitKeyframe: flag('hls_wait_keyframe', { default: true, means: 'Begins segments at keyframes only.' }),
  dtsDirectly: flag('hls_dts_directly', { default: true, means: "Uses the publisher's DTS as they are." }),
  storage: choice('hls_storage', ['disk', 'ram', 'both'], {
    default: 'disk',
    means: 'Where the segments are kept (SRS 2.0 up to 2.0.223).',
  }),
  mount: text('hls_mount', {
    default: '[vhost]/[app]/[stream].m3u8',
    shape: 'TEMPLATE',
    means: 'Where segments in memory are served (SRS 2.0 up to 2.0.223).',
  }),
  keys: flag('hls_keys', { default: false, means: 'Encrypts the segments with AES-128.' }),
  fragmentsPerKey: integer('hls_fragments_per_key', { default: 5, min: 1, means: 'Segments per key.' }),
  keyFile: text('hls_key_file', {
    default: '[app]/[stream]-[seq].key',
    shape: 'TEMPLATE',
    means: "A key's file name.",
  }),
  keyFilePath: path('hls_key_file_path', { default: HTML_DIRECTORY, means: 'The directory of the keys.' }),
  keyUrl: text('hls_key_url', { default: '', shape: 'URL', means: 'Where players fetch the keys.' }),
  context: flag('hls_ctx', { default: true, means: 'Tells players apart by a session in the playlist.' }),
  segmentContext: flag('hls_ts_ctx', { default: true, means: 'Carries that session on to the segments.' }),
  masterPathRelative: flag('hls_master_m3u8_path_relative', {
    default: false,
    means: 'Names the inner playlist by a relative path.',
  }),
});

/** `hds{}` of a vhost. */
export const hdsSection = new Section('hds', {
  enabled: flag('enabled', { default: false, means: 'Writes Adobe HDS.' }),
  fragmentMs: seconds('hds_fragment', { default: 10_000, min: 100, means: 'The length of a fragment.' }),
  windowMs: seconds('hds_window', { default: 60_000, min: 100, means: 'How much the bootstrap holds.' }),
  path: path('hds_path', { default: HTML_DIRECTORY, means: 'The directory of the files.' }),
});

/** `dash{}` of a vhost. */
export const dashSection = new Section('dash', {
  enabled: flag('enabled', { default: false, means: 'Writes MPEG-DASH.' }),
  fragmentMs: seconds('dash_fragment', { default: 10_000, min: 100, means: 'The length of a segment.' }),
  updatePeriodMs: seconds('dash_update_period', {
    default: 5_000,
    min: 100,
    means: 'How often the MPD is renewed.',
  }),
  timeshiftMs: seconds('dash_timeshift', { default: 300_000, means: 'How far back a player may go.' }),
  windowSize: integer('dash_window_size', { default: 5, min: 1, means: 'Segments in the MPD.' }),
  path: path('dash_path', { default: HTML_DIRECTORY, means: 'The directory of the files.' }),
  mpdFile: text('dash_mpd_file', {
    default: '[app]/[stream].mpd',
    shape: 'TEMPLATE',
    means: "The MPD's name.",
  }),
  disposeMs: seconds('dash_dispose', {
    default: 0,
    means: 'Deletes everything so long after the publisher went.',
  }),
  cleanup: flag('dash_cleanup', { default: true, means: 'Deletes segments that left the MPD.' }),
});

/** `dvr{}` of a vhost. */
export const dvrSection = new Section('dvr', {
  enabled: flag('enabled', { default: false, means: 'Records the streams to files.' }),
  apply: words('dvr_apply', {
    default: ['all'],
    shape: 'all|APP/STREAM …',
    means: 'Which streams are recorded.',
  }),
  plan: choice('dvr_plan', ['session', 'segment', 'append'], {
    default: 'session',
    means: 'One file per publish, a new one each `dvr_duration`, or one for ever.',
  }),
  path: text('dvr_path', {
    default: `${HTML_DIRECTORY}/[app]/[stream].[timestamp].flv`,
    shape: 'TEMPLATE',
    means: "The file's name; a directory gets `[stream].[timestamp].flv`.",
  }),
  durationMs: seconds('dvr_duration', { default: 30_000, min: 1_000, means: 'The length of a segment.' }),
  waitKeyframe: flag('dvr_wait_keyframe', { default: true, means: 'Begins segments at keyframes only.' }),
  timeJitter: choice('time_jitter', ['full', 'zero', 'off'], {
    default: 'full',
    means: "Timestamps of the file, as in the vhost's `time_jitter`.",
  }),
});
