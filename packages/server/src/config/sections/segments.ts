import { Section } from './section.ts';
import { bytes, choice, decimal, flag, integer, path, seconds, text, words } from './values.ts';

/** Where files go when nothing else is said. */
const HTML_DIRECTORY = './objs/nginx/html';

/** `hls{}` of a vhost. */
export const hlsSection = new Section('hls', {
  enabled: flag('enabled', { active: true, default: false, means: 'Writes HLS playlists and segments.' }),
  fragmentMs: seconds('hls_fragment', {
    active: true,
    default: 10_000,
    min: 100,
    means: 'The length of a segment to aim for.',
  }),
  targetDurationRatio: decimal('hls_td_ratio', {
    active: true,
    default: 1,
    min: 1,
    means:
      'The least target duration of a playlist, in fragments. Longer segments raise it; a larger ratio makes players begin further behind the live edge.',
  }),
  audioOverflowRatio: decimal('hls_aof_ratio', {
    active: true,
    default: 2,
    min: 1,
    means: 'A segment without a keyframe is cut at so many fragments.',
  }),
  windowMs: seconds('hls_window', {
    active: true,
    default: 60_000,
    min: 100,
    means: 'How much the playlist holds.',
  }),
  onError: choice('hls_on_error', ['ignore', 'disconnect', 'continue'], {
    active: true,
    default: 'continue',
    means: 'When HLS fails: stop HLS, drop the publisher, or go on as far as possible.',
  }),
  path: path('hls_path', {
    active: true,
    default: HTML_DIRECTORY,
    means: 'The directory of playlists and segments.',
  }),
  playlistFile: text('hls_m3u8_file', {
    active: true,
    default: '[app]/[stream].m3u8',
    shape: 'TEMPLATE',
    means: "The playlist's name, with `[vhost]`, `[app]`, `[stream]` and the parts of the time.",
  }),
  segmentFile: text('hls_ts_file', {
    active: true,
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
    active: true,
    default: false,
    means: 'Numbers segments by the clock, so that two origins give the same names.',
  }),
  entryPrefix: text('hls_entry_prefix', {
    active: true,
    default: '',
    shape: 'URL',
    means: 'Put before each segment in the playlist.',
  }),
  audioCodec: choice('hls_acodec', ['aac', 'mp3', 'an'], {
    active: true,
    default: 'aac',
    means: 'The audio codec to announce before the first frame; `an` is none.',
  }),
  videoCodec: choice('hls_vcodec', ['h264', 'h265', 'vn'], {
    active: true,
    default: 'h264',
    spellings: { hevc: 'h265' },
    means: 'The video codec to announce before the first frame; `vn` is none.',
  }),
  cleanup: flag('hls_cleanup', {
    active: true,
    default: true,
    means: 'Deletes segments that left the playlist.',
  }),
  disposeMs: seconds('hls_dispose', {
    active: true,
    default: 0,
    means: 'Deletes everything so long after the publisher went; 0 does so only at the exit.',
  }),
  recover: flag('hls_recover', {
    active: true,
    default: true,
    means: 'Goes on with the playlist that an earlier run left.',
  }),
  notifyBytes: integer('hls_nb_notify', {
    active: true,
    default: 64,
    shape: 'BYTES',
    means: 'How much of the answer to `on_hls_notify` is read.',
  }),
  waitKeyframe: flag('hls_wait_keyframe', {
    active: true,
    default: true,
    means: 'Begins segments at keyframes only.',
  }),
  dtsDirectly: flag('hls_dts_directly', { default: true, means: "Uses the publisher's DTS as they are." }),
  storage: choice('hls_storage', ['disk', 'ram', 'both'], {
    active: true,
    default: 'disk',
    means: 'Where the segments are kept (SRS 2.0 up to 2.0.223).',
  }),
  mount: text('hls_mount', {
    active: true,
    default: '[vhost]/[app]/[stream].m3u8',
    shape: 'TEMPLATE',
    means: 'Where segments in memory are served (SRS 2.0 up to 2.0.223).',
  }),
  keys: flag('hls_keys', { active: true, default: false, means: 'Encrypts the segments with AES-128.' }),
  fragmentsPerKey: integer('hls_fragments_per_key', {
    active: true,
    default: 5,
    min: 1,
    means: 'Segments per key.',
  }),
  keyFile: text('hls_key_file', {
    active: true,
    default: '[app]/[stream]-[seq].key',
    shape: 'TEMPLATE',
    means: "A key's file name.",
  }),
  keyFilePath: path('hls_key_file_path', {
    active: true,
    default: HTML_DIRECTORY,
    means: 'The directory of the keys.',
  }),
  keyUrl: text('hls_key_url', {
    active: true,
    default: '',
    shape: 'URL',
    means: 'Where players fetch the keys.',
  }),
  version: choice('hls_version', ['3', '6'], {
    active: true,
    default: '3',
    means:
      'The protocol version that playlists say: `3` for every player, `6` leaves out what newer ones dropped.',
  }),
  programDateTime: flag('hls_program_date_time', {
    active: true,
    default: false,
    means: 'Gives the wall clock time of each segment (`EXT-X-PROGRAM-DATE-TIME`).',
  }),
  ramBytes: bytes('hls_ram_bytes', {
    active: true,
    default: 32 * 1024 * 1024,
    min: 64 * 1024,
    means:
      "The most bytes of one stream's segments that are kept in memory, to be served from there, once they are on disk.",
  }),
  context: flag('hls_ctx', {
    active: true,
    default: true,
    means: 'Tells players apart by a session in the playlist.',
  }),
  segmentContext: flag('hls_ts_ctx', {
    active: true,
    default: true,
    means: 'Carries that session on to the segments.',
  }),
  masterPathRelative: flag('hls_master_m3u8_path_relative', {
    active: true,
    default: true,
    means:
      'Names the inner playlist by a relative path, which is right behind a proxy with a path prefix, too; off names it by the path of the request.',
  }),
});

/** `hds{}` of a vhost. */
export const hdsSection = new Section('hds', {
  enabled: flag('enabled', { active: true, default: false, means: 'Writes Adobe HDS.' }),
  fragmentMs: seconds('hds_fragment', {
    active: true,
    default: 10_000,
    min: 100,
    means: 'The length of a fragment.',
  }),
  windowMs: seconds('hds_window', {
    active: true,
    default: 60_000,
    min: 100,
    means: 'How much the bootstrap holds.',
  }),
  path: path('hds_path', { active: true, default: HTML_DIRECTORY, means: 'The directory of the files.' }),
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
  enabled: flag('enabled', { active: true, default: false, means: 'Records the streams to files.' }),
  apply: words('dvr_apply', {
    active: true,
    default: ['all'],
    shape: 'all|APP/STREAM …',
    means: 'Which streams are recorded.',
  }),
  plan: choice('dvr_plan', ['session', 'segment', 'append'], {
    active: true,
    default: 'session',
    means: 'One file per publish, a new one each `dvr_duration`, or one for ever.',
  }),
  path: text('dvr_path', {
    active: true,
    default: `${HTML_DIRECTORY}/[app]/[stream].[timestamp].flv`,
    shape: 'TEMPLATE',
    means: "The file's name; a directory gets `[stream].[timestamp].flv`.",
  }),
  durationMs: seconds('dvr_duration', {
    active: true,
    default: 30_000,
    min: 1_000,
    means: 'The length of a segment.',
  }),
  waitKeyframe: flag('dvr_wait_keyframe', {
    active: true,
    default: true,
    means: 'Begins segments at keyframes only.',
  }),
  timeJitter: choice('time_jitter', ['full', 'zero', 'off'], {
    active: true,
    default: 'full',
    means: "Timestamps of the file, as in the vhost's `time_jitter`.",
  }),
  keepDays: decimal('dvr_keep_days', {
    active: true,
    default: 0,
    min: 0,
    means: 'Deletes recordings of this vhost that are older; 0 keeps them.',
  }),
  keepBytes: bytes('dvr_keep_bytes', {
    active: true,
    default: 0,
    means: "Deletes this vhost's oldest recordings while all of them together are larger; 0 sets no limit.",
  }),
});
