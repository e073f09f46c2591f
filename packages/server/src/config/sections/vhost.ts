import { bandcheckSection, referSection, securitySection, tokenSection } from './access.ts';
import { block, blockList } from './blocks.ts';
import { httpRemuxSection, httpStaticSection } from './http.ts';
import { playSection } from './play.ts';
import { publishSection } from './publish.ts';
import { rtcSection, rtspSection, srtSection } from './realtime.ts';
import { clusterSection, execSection, forwardSection, httpHooksSection } from './relay.ts';
import { Section } from './section.ts';
import type { Move } from './section.ts';
import { dashSection, dvrSection, hdsSection, hlsSection } from './segments.ts';
import { ingestSection, transcodeSection } from './transcode.ts';
import { flag, integer } from './values.ts';

function moveTo(into: string, names: readonly string[]): readonly Move[] {
  return names.map((name) => ({ from: name, into, as: name }));
}

/** The spellings of SRS 2, which had no `publish{}`, `play{}`, `cluster{}`, `refer{}` and `forward{}`. */
const FLAT_SPELLINGS: readonly Move[] = [
  { from: 'mr', into: 'publish', as: 'mr', children: { enabled: 'mr', latency: 'mr_latency' } },
  ...moveTo('publish', ['publish_1stpkt_timeout', 'publish_normal_timeout']),
  ...moveTo('play', ['gop_cache', 'queue_length', 'time_jitter', 'mix_correct', 'atc', 'atc_auto']),
  ...moveTo('play', ['mw_latency', 'mw_msgs', 'send_min_interval', 'reduce_sequence_header']),
  ...moveTo('cluster', ['mode', 'origin', 'token_traverse', 'vhost', 'debug_srs_upnode']),
  { from: 'refer', into: 'refer', as: 'all', enables: true },
  { from: 'refer_play', into: 'refer', as: 'play', enables: true },
  { from: 'refer_publish', into: 'refer', as: 'publish', enables: true },
  { from: 'forward', into: 'forward', as: 'destination', enables: true },
];

/** `vhost NAME {}`. */
export const vhostSection = new Section(
  'vhost',
  {
    enabled: flag('enabled', {
      default: true,
      active: true,
      means: 'Off refuses every client of this vhost.',
    }),
    chunkSize: integer<undefined>('chunk_size', {
      default: undefined,
      defaultText: 'that of the root',
      min: 128,
      max: 65_536,
      shape: 'BYTES',
      active: true,
      means: 'The RTMP chunk size that this vhost sends with.',
    }),
    minLatency: flag('min_latency', {
      default: false,
      active: true,
      means: 'Sends each frame as soon as it is there, and reads publishers at once; costs CPU.',
    }),
    tcpNodelay: flag('tcp_nodelay', {
      default: false,
      active: true,
      means: "Turns off the system's own gathering of small writes (Nagle's algorithm).",
    }),
    inAckSize: integer('in_ack_size', {
      default: 0,
      shape: 'BYTES',
      means: 'The window that a peer is asked to acknowledge.',
    }),
    outAckSize: integer('out_ack_size', {
      default: 2_500_000,
      shape: 'BYTES',
      means: 'The window that peers are told.',
    }),
    publish: block('publish', publishSection, { active: true, means: 'Publishers.' }),
    play: block('play', playSection, { active: true, means: 'Players.' }),
    refer: block('refer', referSection, { active: true, means: 'Who may come from which page.' }),
    httpRemux: block('http_remux', httpRemuxSection, { active: true, means: 'Live streams over HTTP.' }),
    httpStatic: block('http_static', httpStaticSection, {
      active: true,
      aliases: ['http'],
      means: 'Files over HTTP; `http` in SRS 2.',
    }),
    cluster: block('cluster', clusterSection, {
      means: 'Edges and origins.',
      asks: (value) => value.mode === 'remote' || value.originCluster,
    }),
    forward: block('forward', forwardSection, { means: 'Streams pushed on to other servers.' }),
    security: block('security', securitySection, {
      active: true,
      means: 'Who may come from which address.',
    }),
    token: block('token', tokenSection, { active: true, means: 'Who may come with which token.' }),
    bandcheck: block('bandcheck', bandcheckSection, { active: true, means: 'Bandwidth tests.' }),
    hls: block('hls', hlsSection, { active: true, means: 'HLS.' }),
    hds: block('hds', hdsSection, { active: true, means: 'Adobe HDS.' }),
    dash: block('dash', dashSection, { means: 'MPEG-DASH.' }),
    dvr: block('dvr', dvrSection, { active: true, means: 'Recording.' }),
    httpHooks: block('http_hooks', httpHooksSection, { active: true, means: 'HTTP calls on events.' }),
    exec: block('exec', execSection, { means: 'Programs on events.' }),
    ingests: blockList('ingest', ingestSection, {
      label: 'optional',
      unique: true,
      active: true,
      means: 'A stream that the server fetches itself.',
    }),
    transcodes: blockList('transcode', transcodeSection, {
      label: 'optional',
      means: 'Transcoding of the vhost, of one app or of one stream.',
    }),
    rtc: block('rtc', rtcSection, { means: 'WebRTC.' }),
    srt: block('srt', srtSection, { means: 'SRT.' }),
    rtsp: block('rtsp', rtspSection, { means: 'RTSP.' }),
  },
  FLAT_SPELLINGS,
);
