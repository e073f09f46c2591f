import { Section } from './section.ts';
import { bytes, choice, flag, integer, milliseconds, seconds } from './values.ts';

/** `play{}` of a vhost. */
export const playSection = new Section('play', {
  gopCache: flag('gop_cache', {
    default: true,
    active: true,
    means:
      'Sends a new player the frames since the last keyframe at once, so that it shows a picture at once.',
  }),
  gopCacheMaxBytes: bytes('gop_cache_max_bytes', {
    default: 16 * 1024 * 1024,
    active: true,
    means: "The most bytes of one stream's GOP cache; a longer GOP isn't cached.",
  }),
  queueLengthMs: seconds('queue_length', {
    default: 30_000,
    min: 100,
    active: true,
    means:
      'How much of the stream may wait for a slow player before it is dropped forward to the next keyframe.',
  }),
  queueMaxBytes: bytes('queue_max_bytes', {
    default: 16 * 1024 * 1024,
    min: 64 * 1024,
    active: true,
    means: 'The most bytes that may wait for a slow player, whatever their time.',
  }),
  waitTimeoutMs: seconds('wait_timeout', {
    default: 86_400_000,
    active: true,
    means:
      'A player that has waited for so long for a stream that nobody publishes is closed, by RTMP, HTTP and WebSocket; 0 lets it wait for ever.',
  }),
  timeJitter: choice('time_jitter', ['full', 'zero', 'off'], {
    default: 'full',
    active: true,
    means:
      'Timestamps to players: `full` begin at 0 and never jump, `zero` begin at 0, `off` are those of the publisher.',
  }),
  mixCorrect: flag('mix_correct', {
    default: false,
    active: true,
    means: 'Sorts audio and video into one order of time, for publishers that interleave badly.',
  }),
  atc: flag('atc', {
    default: false,
    active: true,
    means: "Keeps the publisher's absolute timestamps, so that two origins agree on them.",
  }),
  atcAuto: flag('atc_auto', {
    default: true,
    active: true,
    means: 'Turns `atc` on for a stream whose metadata has `bravo_atc` set to `true`.',
  }),
  mergedWriteLatencyMs: milliseconds('mw_latency', {
    default: 350,
    max: 10_000,
    active: true,
    means:
      'Merged write: how long frames are gathered before they are written to the players; not under `min_latency on`.',
  }),
  mergedWriteMessages: integer('mw_msgs', {
    default: 0,
    means: 'The least number of messages to gather for one write.',
  }),
  sendMinIntervalMs: milliseconds('send_min_interval', {
    default: 0,
    max: 60_000,
    active: true,
    means: 'The least time between two messages to one player; 0 sends as they come.',
  }),
  reduceSequenceHeader: flag('reduce_sequence_header', {
    default: false,
    active: true,
    means: 'Leaves out sequence headers that repeat the last one.',
  }),
  gopCacheMaxFrames: integer('gop_cache_max_frames', {
    default: 2500,
    active: true,
    means:
      "The most frames of one stream's GOP cache; a longer GOP isn't cached. 0 is the most that is possible.",
  }),
});
