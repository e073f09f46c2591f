/**
 * The validated configuration: what the rest of the server reads. Times are in milliseconds unless the
 * name says otherwise; every field has its default filled in, so no reader has to know a default.
 */

import type { ListenAddress } from './address.ts';
import type {
  BandcheckConfig,
  ClusterConfig,
  ConfigWarning,
  DashConfig,
  DvrConfig,
  ExecConfig,
  ExporterConfig,
  ForwardConfig,
  HdsConfig,
  HeartbeatConfig,
  HlsConfig,
  HttpHooksConfig,
  InactiveDirective,
  IngestConfig,
  RtcConfig,
  RtcServerConfig,
  SecurityConfig,
  SrtConfig,
  SrtServerConfig,
  StatsConfig,
  StreamCasterConfig,
  TlsConfig,
  TokenConfig,
  TranscodeConfig,
} from './sections/index.ts';

export type { ListenAddress } from './address.ts';
export type {
  ConfigWarning,
  DvrConfig,
  HdsConfig,
  HlsConfig,
  InactiveDirective,
  IngestConfig,
  TlsConfig,
} from './sections/index.ts';

/** How timestamps go to the players (P016). */
export type TimeJitter = 'full' | 'zero' | 'off';

/** The log. */
export interface LogConfig {
  readonly tank: 'file' | 'console';
  readonly level: 'verbose' | 'info' | 'trace' | 'warn' | 'error';
  /** Lines as SRS writes them, or one JSON object a line. */
  readonly format: 'line' | 'json';
  readonly file: string;
  readonly utc: boolean;
}

/** `http_api{}`. */
export interface HttpApiConfig {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  /** Whether pages of other origins may read the API; undefined where nothing is written of it. */
  readonly crossdomain: boolean | undefined;
  /** Names by which the API may be changed, besides those that are known to be ours. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may read and change. */
  readonly allowedOrigins: readonly string[];
  /** Who may control the server by `/api/v1/raw`. */
  readonly rawApi: {
    readonly enabled: boolean;
    readonly allowReload: boolean;
    readonly allowQuery: boolean;
    readonly allowUpdate: boolean;
  };
  /** HTTP Basic authentication. */
  readonly auth: { readonly enabled: boolean; readonly username: string; readonly password: string };
  readonly https: TlsConfig;
}

/** `http_server{}`. */
export interface HttpServerConfig {
  readonly enabled: boolean;
  readonly listen: readonly ListenAddress[];
  /** Directory of the static files. */
  readonly dir: string;
  /** Whether `/api/v1/streams` lists the streams on this port, too. */
  readonly listStreams: boolean;
  /** Where viewers reach this port, for what the built-in page shows (ours); empty where that is not known. */
  readonly publicUrl: string;
  /** Where RTMP is reached, for what the built-in page shows (ours); empty where that is not known. */
  readonly rtmpPublicUrl: string;
  readonly https: TlsConfig;
}

/** `publish{}` of a vhost, and its flat SRS 2 spellings. */
export interface PublishConfig {
  /** How long a publisher may stay silent before its first packet. */
  readonly firstPacketTimeoutMs: number;
  /** How long a publisher may stay silent after its first packet. */
  readonly normalTimeoutMs: number;
  /** Read the SPS for width, height, profile and level. */
  readonly parseSps: boolean;
  /** What happens to a second publisher of a busy stream. `takeover` closes the first one. */
  readonly conflict: 'reject' | 'takeover';
  /** `mr`: gather the publisher's reads for `latencyMs`. */
  readonly mergedRead: { readonly enabled: boolean; readonly latencyMs: number };
}

/** `play{}` of a vhost, and its flat SRS 2 spellings. */
export interface PlayConfig {
  readonly gopCache: boolean;
  /** The most bytes a stream's GOP cache may hold (ours: `gop_cache_max_bytes`). */
  readonly gopCacheMaxBytes: number;
  /** The most frames of a stream's GOP cache; 0 is the most that the engine allows. */
  readonly gopCacheMaxFrames: number;
  readonly queueLengthMs: number;
  /** The most bytes that may wait for one player (ours: `queue_max_bytes`). */
  readonly queueMaxBytes: number;
  /** How long a player waits for a stream that nobody publishes (ours: `wait_timeout`); 0 is for ever. */
  readonly waitTimeoutMs: number;
  readonly timeJitter: TimeJitter;
  readonly mixCorrect: boolean;
  readonly atc: boolean;
  readonly atcAuto: boolean;
  /** `mw_latency`: the flush interval of the fan-out groups. */
  readonly mergedWriteLatencyMs: number;
  /** Least time between two messages of one player; 0 is off. */
  readonly sendMinIntervalMs: number;
  readonly reduceSequenceHeader: boolean;
}

/** The lists are suffixes of the page's host, matched on a label border; an empty list allows everyone. */
export interface ReferConfig {
  readonly enabled: boolean;
  readonly all: readonly string[];
  readonly play: readonly string[];
  readonly publish: readonly string[];
}

/** `http_remux{}`: live streams over HTTP. */
export interface HttpRemuxConfig {
  readonly enabled: boolean;
  /** Path templates with `[vhost]`, `[app]` and `[stream]`, e.g. `[vhost]/[app]/[stream].flv`. */
  readonly mounts: readonly string[];
  /** Wait for a stream that nobody publishes yet rather than answer 404, and stay when its publisher goes. */
  readonly hstrs: boolean;
  readonly fastCacheSeconds: number;
}

/** `http{}` / `http_static{}` of a vhost: a directory served under a mount. */
export interface HttpStaticConfig {
  readonly enabled: boolean;
  readonly mount: string;
  readonly dir: string;
}

/** One virtual host. */
export interface VhostConfig {
  readonly name: string;
  readonly enabled: boolean;
  /** The chunk size that we send with, bytes, 128–65536. */
  readonly chunkSize: number;
  readonly minLatency: boolean;
  readonly tcpNodelay: boolean;
  readonly publish: PublishConfig;
  readonly play: PlayConfig;
  readonly refer: ReferConfig;
  readonly httpRemux: HttpRemuxConfig;
  readonly httpStatic: HttpStaticConfig;
  readonly security: SecurityConfig;
  readonly token: TokenConfig;
  readonly bandcheck: BandcheckConfig;
  readonly hls: HlsConfig;
  readonly hds: HdsConfig;
  readonly dvr: DvrConfig;
  readonly httpHooks: HttpHooksConfig;
  readonly ingests: readonly IngestConfig[];
  // Validated, but not acted on by this version.
  readonly cluster: ClusterConfig;
  readonly forward: ForwardConfig;
  readonly dash: DashConfig;
  readonly exec: ExecConfig;
  readonly transcodes: readonly TranscodeConfig[];
  readonly rtc: RtcConfig;
  readonly srt: SrtConfig;
}

/** Limits of what a peer may make us hold; ours, no SRS directive (root block `limits{}`). */
export interface LimitsConfig {
  readonly handshakeTimeoutMs: number;
  /** Largest RTMP message that is accepted, bytes. */
  readonly maxMessageBytes: number;
  /** Most chunk streams of one connection. */
  readonly maxChunkStreams: number;
  /** Most bytes of unfinished messages of one connection. */
  readonly maxPendingBytes: number;
  /** Open connections of one address; 0 is no limit. */
  readonly maxConnectionsPerAddress: number;
  /** New connections of one address a second; 0 is no limit. */
  readonly maxConnectsPerSecond: number;
  /** HLS viewers that are known at a time; 0 is no limit. */
  readonly maxHlsViewers: number;
  /** HLS viewers of one address that are known at a time; 0 is no limit. */
  readonly maxHlsViewersPerAddress: number;
  /** Log lines that one address causes, a second on average; 0 is no limit. */
  readonly maxLogLinesPerSecond: number;
  /** Wrong tokens of one address a minute; 0 is no limit. */
  readonly maxFailedTokensPerMinute: number;
}

/** The whole configuration. */
export interface Config {
  readonly listen: readonly ListenAddress[];
  readonly pid: string;
  readonly chunkSize: number;
  readonly maxConnections: number;
  readonly daemon: boolean;
  /** Never in the background as process 1 or where `inDocker` says so. */
  readonly disableDaemonForDocker: boolean;
  readonly inDocker: boolean;
  /** Quit when the parent process goes. */
  readonly asprocess: boolean;
  /** How long a graceful stop still takes connections. */
  readonly graceStartWaitMs: number;
  /** How long connections may take to finish in a graceful stop. */
  readonly graceTimeoutMs: number;
  /** How long the process waits after a graceful stop, when all is closed. */
  readonly graceFinalWaitMs: number;
  /** SIGTERM stops gracefully, too. */
  readonly forceGraceQuit: boolean;
  readonly workDir: string;
  readonly log: LogConfig;
  readonly rtmps: TlsConfig;
  readonly httpApi: HttpApiConfig;
  readonly httpServer: HttpServerConfig;
  readonly limits: LimitsConfig;
  /** Addresses and ranges of proxies whose `X-Forwarded-*` counts. */
  readonly trustedProxies: readonly string[];
  /** Where URLs that others have given may lead to, besides public addresses: `private` has addresses and ranges. */
  readonly outbound: { readonly private: readonly string[] };
  /** URLs that were set by the API and do not stand in the administrator's file. */
  readonly urlsByApi: readonly string[];
  readonly pithyPrintMs: number;
  /** By name, in the order of the file; `__defaultVhost__` takes every host that has no vhost of its own. */
  readonly vhosts: ReadonlyMap<string, VhostConfig>;
  /** Directives that are valid but that this version does not act on yet, with where they stand. */
  readonly inactive: readonly InactiveDirective[];
  /** What a user should know about the configuration, though it can be used. */
  readonly warnings: readonly ConfigWarning[];
  readonly heartbeat: HeartbeatConfig;
  readonly stats: StatsConfig;
  readonly exporter: ExporterConfig;
  // Validated, but not acted on by this version.
  /** Where ffmpeg's logs go; `/dev/null` is nowhere. */
  readonly ffLogDir: string;
  readonly streamCasters: readonly StreamCasterConfig[];
  readonly rtcServer: RtcServerConfig;
  readonly srtServer: SrtServerConfig;
}
