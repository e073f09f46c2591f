import { block, blockList, freeBlock } from './blocks.ts';
import { httpApiSection, httpServerSection } from './http.ts';
import { rtcServerSection, rtspServerSection, srtServerSection } from './realtime.ts';
import { Section } from './section.ts';
import { rtmpsSection } from './tls.ts';
import {
  addresses,
  bytes,
  choice,
  decimal,
  flag,
  integer,
  isAddressOrRange,
  milliseconds,
  path,
  seconds,
  text,
  url,
  words,
} from './values.ts';
import { vhostSection } from './vhost.ts';

/** `limits{}` of the root: ours. */
export const limitsSection = new Section('limits', {
  handshakeTimeoutMs: seconds('handshake_timeout', {
    default: 10_000,
    min: 100,
    active: true,
    means: 'A client that has not finished its RTMP handshake by then is dropped.',
  }),
  maxMessageBytes: bytes('max_message_bytes', {
    default: 16 * 1024 * 1024,
    min: 4096,
    max: 0xff_ffff + 1,
    active: true,
    means: 'The largest RTMP message that is accepted.',
  }),
  maxChunkStreams: integer('max_chunk_streams', {
    default: 128,
    min: 8,
    max: 65_597,
    active: true,
    means: 'The most chunk streams of one connection.',
  }),
  maxPendingBytes: bytes('max_pending_bytes', {
    default: 32 * 1024 * 1024,
    min: 4096,
    active: true,
    means: 'The most bytes of unfinished messages of one connection.',
  }),
  maxConnectionsPerAddress: integer('max_connections_per_address', {
    default: 0,
    active: true,
    means: 'The most connections of one address (of one IPv6 /64) at a time; 0 is no limit.',
  }),
  maxConnectsPerSecond: integer('max_connects_per_second', {
    default: 0,
    active: true,
    means: 'The most new connections of one address a second; 0 is no limit.',
  }),
  maxHlsViewers: integer('max_hls_viewers', {
    default: 50_000,
    active: true,
    means:
      'The most HLS viewers that are known at a time. Further ones are served all the same but not counted, unless segments are for known viewers only (`hls_ts_ctx` where playing is guarded): then they are refused. 0 is no limit.',
  }),
  maxHlsViewersPerAddress: integer('max_hls_viewers_per_address', {
    default: 10_000,
    active: true,
    means:
      'As `max_hls_viewers`, for one address (one IPv6 /64): a viewer costs no connection, and nobody may take the places of all others. 0 is no limit.',
  }),
  maxLogLinesPerSecond: integer('max_log_lines_per_second', {
    default: 50,
    active: true,
    means:
      'The most lines that one address can cause in the log, a second on average; twenty times as many may come at once. What is left out is counted and logged; 0 is no limit.',
  }),
  maxFailedTokensPerMinute: integer('max_failed_tokens_per_minute', {
    default: 0,
    active: true,
    means:
      'The most wrong tokens of one address a minute, after which it is refused for a while; 0 is no limit.',
  }),
});

/** `heartbeat{}` of the root. */
export const heartbeatSection = new Section('heartbeat', {
  enabled: flag('enabled', { default: false, active: true, means: 'Reports to a server regularly.' }),
  intervalMs: seconds('interval', { default: 9_900, min: 100, active: true, means: 'How often.' }),
  url: url('url', {
    default: 'http://127.0.0.1:8085/api/v1/servers',
    active: true,
    means: 'Where the report goes.',
  }),
  deviceId: text('device_id', {
    default: '',
    active: true,
    means: 'The name of this server in the report.',
  }),
  summaries: flag('summaries', { default: false, active: true, means: "Adds the API's summaries." }),
  ports: flag('ports', { default: false, active: true, means: 'Adds the addresses that are listened on.' }),
});

/** `stats{}` of the root. */
export const statsSection = new Section('stats', {
  enabled: flag('enabled', {
    default: true,
    asks: (value) => !value,
    means: 'Looks at the system; this version always does.',
  }),
  network: text('network', {
    default: '0',
    active: true,
    means: 'The network device, by its number, whose address is reported.',
  }),
  disks: words('disk', {
    shape: 'DEVICE …',
    active: true,
    means: 'The disks whose load the API tells, such as `sda`; all when none is named.',
  }),
});

const sipSection = new Section('sip', {
  enabled: flag('enabled', { default: true, means: 'Serves SIP.' }),
  listen: addresses('listen', { default: [{ port: 5060 }], means: 'The addresses of SIP.' }),
  serial: text('serial', { default: '', means: "The server's id." }),
  realm: text('realm', { default: '', means: "The server's realm." }),
  timeoutMs: seconds('timeout', { default: 2_100, means: 'The time limit of a session.' }),
  reinviteMs: seconds('reinvite', { default: 5_000, means: 'How soon a lost session is invited again.' }),
  candidate: text('candidate', { default: '*', means: 'The address that devices are told.' }),
  ackTimeoutMs: seconds('ack_timeout', {
    default: 30_000,
    means: 'How long a device has to answer (SRS 4).',
  }),
  keepAliveMs: seconds('keepalive_timeout', {
    default: 120_000,
    means: 'A device that is silent for so long is off line (SRS 4).',
  }),
  autoPlay: flag('auto_play', { default: true, means: 'Invites a device when it registers (SRS 4).' }),
  fixedInvitePort: flag('invite_port_fixed', {
    default: true,
    means: 'Devices send to the port of `listen` (SRS 4).',
  }),
  catalogIntervalMs: seconds('query_catalog_interval', {
    default: 60_000,
    means: 'How often devices are asked what they have (SRS 4).',
  }),
});

/** `stream_caster{}` of the root. */
export const streamCasterSection = new Section('stream_caster', {
  enabled: flag('enabled', { default: false, means: 'Takes streams by another protocol.' }),
  caster: choice('caster', ['mpegts_over_udp', 'rtsp', 'flv', 'gb28181'], {
    default: 'mpegts_over_udp',
    means: 'The protocol.',
  }),
  output: text('output', {
    default: '',
    shape: 'URL',
    means: 'The RTMP URL that the stream is published to, with `[app]` and `[stream]`.',
  }),
  listen: addresses('listen', { default: [], means: 'The addresses to listen on.' }),
  rtpPortMin: integer('rtp_port_min', { default: 57_200, min: 1, max: 65_535, means: 'First RTP port.' }),
  rtpPortMax: integer('rtp_port_max', {
    default: 57_300,
    min: 1,
    max: 65_535,
    means: 'The port after the last one.',
  }),
  host: text('host', { default: '*', means: 'The address that devices of GB28181 send media to (SRS 4).' }),
  tcpEnabled: flag('tcp_enable', { default: false, means: 'Takes GB28181 by TCP instead of UDP (SRS 4).' }),
  waitKeyframe: flag('wait_keyframe', {
    default: true,
    means: 'A stream of GB28181 begins with a keyframe (SRS 4).',
  }),
  rtpIdleMs: seconds('rtp_idle_timeout', {
    default: 30_000,
    means: 'A stream of GB28181 ends after so long without a packet (SRS 4).',
  }),
  audioEnabled: flag('audio_enable', { default: true, means: 'Takes the sound of GB28181 (SRS 4).' }),
  jitterBuffer: flag('jitterbuffer_enable', {
    default: true,
    means: 'Puts packets of GB28181 in order (SRS 4).',
  }),
  autoCreateChannel: flag('auto_create_channel', {
    default: false,
    means: 'Makes a channel for each stream of GB28181 that comes (SRS 4).',
  }),
  sip: block('sip', sipSection, { means: 'SIP of GB28181.' }),
});

/** `exporter{}` of the root. */
export const exporterSection = new Section('exporter', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Serves `/metrics` to Prometheus on addresses of its own, without a password.',
  }),
  listen: addresses('listen', { default: [{ port: 9972 }], active: true, means: 'Its addresses.' }),
  label: text('label', {
    default: '',
    active: true,
    means: 'What `label` of `srs_build_info` says: where the server stands.',
  }),
  tag: text('tag', {
    default: '',
    active: true,
    means: 'What `tag` of `srs_build_info` says: what the server is for.',
  }),
});

const threadsSection = new Section('threads', {
  intervalMs: seconds('interval', { default: 5_000, means: 'How often threads are looked after.' }),
});

const circuitBreakerSection = new Section('circuit_breaker', {
  enabled: flag('enabled', { default: true, means: 'Sheds work when the CPU is full.' }),
  highThreshold: integer('high_threshold', { default: 90, max: 100, shape: 'PERCENT', means: 'High water.' }),
  highPulse: integer('high_pulse', { default: 2, means: 'Seconds above it.' }),
  criticalThreshold: integer('critical_threshold', {
    default: 95,
    max: 100,
    shape: 'PERCENT',
    means: 'Critical water.',
  }),
  criticalPulse: integer('critical_pulse', { default: 1, means: 'Seconds above it.' }),
  dyingThreshold: integer('dying_threshold', { default: 99, max: 100, shape: 'PERCENT', means: 'Dying.' }),
  dyingPulse: integer('dying_pulse', { default: 5, means: 'Seconds above it.' }),
});

function rangeProblem(word: string): string | undefined {
  return isAddressOrRange(word)
    ? undefined
    : `expected an address or a range, such as \`10.0.0.0/8\`, not \`${word}\``;
}

/** `outbound{}` of the root: ours. */
export const outboundSection = new Section('outbound', {
  private: words('private', {
    shape: 'ADDRESS|RANGE …',
    active: true,
    check: rangeProblem,
    means:
      'Addresses outside the public Internet that URLs may lead to which do not stand in this file: those that were set by the API. What stands in this file is not limited.',
  }),
});

/** The whole configuration. */
export const rootSection = new Section('the root', {
  listen: addresses('listen', {
    default: [{ port: 1935 }],
    active: true,
    means: 'The RTMP addresses: `port`, `ip:port` or `[ipv6]:port`. Required in a file.',
  }),
  pid: path('pid', {
    default: './objs/srs.pid',
    active: true,
    means: 'The file of the process id. It is locked: a second server with the same file does not start.',
  }),
  chunkSize: integer('chunk_size', {
    default: 60_000,
    min: 128,
    max: 65_536,
    shape: 'BYTES',
    active: true,
    means: 'The RTMP chunk size that the server sends with.',
  }),
  maxConnections: integer('max_connections', {
    default: 1000,
    min: 1,
    active: true,
    means:
      'The most connections of all kinds; more are refused. Wants twice as many file descriptors and 80 (docs/operations.md).',
  }),
  daemon: flag('daemon', {
    default: true,
    active: true,
    restart: true,
    means: 'Runs in the background; the command ends once the server listens.',
  }),
  logTank: choice('srs_log_tank', ['file', 'console'], {
    default: 'file',
    active: true,
    means: 'Where the log goes.',
  }),
  logLevel: choice('srs_log_level', ['verbose', 'info', 'trace', 'warn', 'error'], {
    default: 'trace',
    active: true,
    means: 'The least important lines that are logged.',
  }),
  logLevelLater: text('srs_log_level_v2', {
    default: '',
    shape: 'LEVEL',
    means: 'The level in the words of SRS 6.',
  }),
  logFile: path('srs_log_file', {
    default: './objs/srs.log',
    active: true,
    means: 'The log file of `srs_log_tank file`.',
  }),
  logFormat: choice('srs_log_format', ['line', 'json'], {
    default: 'line',
    active: true,
    means: 'How it is written: `[time][level][pid][session id] text`, or one JSON object a line. Ours.',
  }),
  utcTime: flag('utc_time', {
    default: false,
    active: true,
    means: 'Logs the time in UTC rather than local time.',
  }),
  pithyPrintMs: milliseconds('pithy_print_ms', {
    default: 10_000,
    min: 100,
    active: true,
    means: 'How often long-running work logs a line about itself.',
  }),
  workDir: path('work_dir', {
    default: './',
    active: true,
    restart: true,
    means: 'The directory that the server changes to at its start; relative paths are relative to it.',
  }),
  trustedProxies: words('trusted_proxies', {
    shape: 'ADDRESS|RANGE …',
    active: true,
    check: rangeProblem,
    means:
      "The proxies whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` count. Without one nobody's do.",
  }),
  outbound: block('outbound', outboundSection, {
    active: true,
    means: 'Where URLs may lead to that others have given.',
  }),
  limits: block('limits', limitsSection, { active: true, means: 'What a peer may make the server hold.' }),
  rtmps: block('rtmps', rtmpsSection, { active: true, means: 'RTMP over TLS.' }),
  httpApi: block('http_api', httpApiSection, { active: true, means: 'The HTTP API.' }),
  httpServer: block('http_server', httpServerSection, {
    active: true,
    aliases: ['http_stream'],
    means: 'The HTTP server; `http_stream` in old files.',
  }),
  vhosts: blockList('vhost', vhostSection, {
    label: 'required',
    unique: true,
    active: true,
    means: 'A virtual host; `__defaultVhost__` takes every host that has none of its own.',
  }),
  ffLogDir: path('ff_log_dir', {
    default: './objs',
    aliases: ['log_dir'],
    means: "The directory of ffmpeg's logs; /dev/null is none.",
  }),
  ffLogLevel: text('ff_log_level', { default: 'info', shape: 'LEVEL', means: "ffmpeg's log level." }),
  asprocess: flag('asprocess', {
    default: false,
    active: true,
    restart: true,
    means: 'Quits when the parent process goes; not with `daemon on`.',
  }),
  queryLatestVersion: flag('query_latest_version', {
    default: false,
    means: 'Asks for newer versions; this server never calls home.',
  }),
  firstWaitForQueryMs: seconds('first_wait_for_qlv', { default: 300_000, means: 'How soon it asks first.' }),
  emptyIpOk: flag('empty_ip_ok', { default: true, means: 'Takes connections of unknown address.' }),
  graceStartWaitMs: milliseconds('grace_start_wait', {
    default: 2_300,
    active: true,
    means: 'How long a graceful stop still takes connections, so that a balancer can learn of it.',
  }),
  graceFinalWaitMs: milliseconds('grace_final_wait', {
    default: 3_200,
    active: true,
    means: 'How long the process waits at the end of a graceful stop, when all is closed.',
  }),
  graceTimeoutMs: seconds('grace_timeout', {
    default: 300_000,
    active: true,
    means: 'How long the connections may take to finish in a graceful stop; then they are ended. Ours.',
  }),
  forceGraceQuit: flag('force_grace_quit', {
    default: false,
    active: true,
    means: 'Makes the stop by SIGTERM a graceful one, as by SIGQUIT.',
  }),
  disableDaemonForDocker: flag('disable_daemon_for_docker', {
    default: true,
    active: true,
    restart: true,
    means: 'Stays in front, whatever `daemon` says, as process 1 or with `in_docker on`.',
  }),
  inDocker: flag('in_docker', {
    default: false,
    active: true,
    restart: true,
    means: 'Says that this is a container.',
  }),
  inotifyAutoReload: flag('inotify_auto_reload', { default: false, means: 'Reloads when the file changes.' }),
  autoReloadForDocker: flag('auto_reload_for_docker', { default: true, means: 'Does so in a container.' }),
  tcmallocReleaseRate: decimal('tcmalloc_release_rate', {
    default: 0.8,
    max: 10,
    means: 'A setting of the C++ allocator.',
  }),
  serverId: text('server_id', { default: '', means: 'A stable id of this server.' }),
  heartbeat: block('heartbeat', heartbeatSection, { active: true, means: 'Reports to a server.' }),
  stats: block('stats', statsSection, { active: true, means: 'What the statistics look at.' }),
  streamCasters: blockList('stream_caster', streamCasterSection, {
    label: 'none',
    means: 'Streams pushed here by other protocols; may be given many times.',
  }),
  rtcServer: block('rtc_server', rtcServerSection, { means: 'WebRTC.' }),
  srtServer: block('srt_server', srtServerSection, { means: 'SRT.' }),
  rtspServer: block('rtsp_server', rtspServerSection, { means: 'RTSP.' }),
  tencentcloudLogs: freeBlock('tencentcloud_cls', { means: "Logs sent to a cloud's service." }),
  tencentcloudTraces: freeBlock('tencentcloud_apm', { means: "Traces sent to a cloud's service." }),
  isFull: flag('is_full', { default: false, means: 'Marks the file that has every directive, in SRS.' }),
  exporter: block('exporter', exporterSection, { active: true, means: 'Metrics for Prometheus.' }),
  threads: block('threads', threadsSection, { means: 'Threads of SRS 5.' }),
  circuitBreaker: block('circuit_breaker', circuitBreakerSection, { means: 'Overload protection of SRS 5.' }),
});
