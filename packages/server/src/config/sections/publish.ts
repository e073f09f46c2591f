import { Section } from './section.ts';
import { choice, flag, integer, milliseconds } from './values.ts';

/** `publish{}` of a vhost. */
export const publishSection = new Section('publish', {
  firstPacketTimeoutMs: milliseconds('firstpkt_timeout', {
    default: 20_000,
    min: 1,
    active: true,
    aliases: ['publish_1stpkt_timeout'],
    means: 'A publisher that sends nothing for so long after its publish command is dropped.',
  }),
  normalTimeoutMs: milliseconds('normal_timeout', {
    default: 5_000,
    min: 1,
    active: true,
    aliases: ['publish_normal_timeout'],
    means: 'A publisher that was sending and falls silent for so long is dropped.',
  }),
  parseSps: flag('parse_sps', {
    default: true,
    active: true,
    means: "Reads the picture size, profile and level from the stream's SPS; off helps with odd encoders.",
  }),
  conflict: choice('conflict', ['reject', 'takeover'], {
    default: 'reject',
    active: true,
    means:
      'What happens to a second publisher of a stream: it is refused, or it takes the stream over from the first.',
  }),
  mergedRead: flag('mr', {
    default: false,
    active: true,
    means:
      "Merged read: gathers a publisher's packets before they are read, which saves CPU; ignored under `min_latency on`.",
  }),
  mergedReadLatencyMs: milliseconds('mr_latency', {
    default: 350,
    max: 10_000,
    active: true,
    means: 'How long a merged read gathers.',
  }),
  tryAnnexbFirst: flag('try_annexb_first', {
    default: true,
    means: 'Looks for start codes before length fields when NAL units are taken apart.',
  }),
  kickoffForIdleSeconds: integer('kickoff_for_idle', {
    default: 0,
    means: 'Drops a publisher that nobody watches for so many seconds; 0 never does.',
    shape: 'SECONDS',
  }),
});
