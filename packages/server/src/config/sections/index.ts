import type { bandcheckSection, securitySection, tokenSection } from './access.ts';
import type { Labelled } from './blocks.ts';
import type { rtcSection, rtcServerSection, srtSection, srtServerSection } from './realtime.ts';
import type { clusterSection, execSection, forwardSection, httpHooksSection } from './relay.ts';
import type {
  exporterSection,
  heartbeatSection,
  rootSection,
  statsSection,
  streamCasterSection,
} from './root.ts';
import type { Section, SectionValue } from './section.ts';
import type { dashSection, dvrSection, hdsSection, hlsSection } from './segments.ts';
import type { ingestSection, transcodeSection } from './transcode.ts';
import type { rtmpsSection } from './tls.ts';
import type { vhostSection } from './vhost.ts';

/** The validated value of a table. */
type ValueOf<Table> = Table extends Section<infer F> ? SectionValue<F> : never;

/** `bandcheck{}` of a vhost. */
export type BandcheckConfig = ValueOf<typeof bandcheckSection>;
/** `cluster{}` of a vhost, and its flat SRS 2 spellings. */
export type ClusterConfig = ValueOf<typeof clusterSection>;
/** `dash{}` of a vhost. */
export type DashConfig = ValueOf<typeof dashSection>;
/** `dvr{}` of a vhost. */
export type DvrConfig = ValueOf<typeof dvrSection>;
/** `exec{}` of a vhost. */
export type ExecConfig = ValueOf<typeof execSection>;
/** `exporter{}` of the root. */
export type ExporterConfig = ValueOf<typeof exporterSection>;
/** `forward{}` of a vhost, and its flat SRS 2 spelling. */
export type ForwardConfig = ValueOf<typeof forwardSection>;
/** `hds{}` of a vhost. */
export type HdsConfig = ValueOf<typeof hdsSection>;
/** `heartbeat{}` of the root. */
export type HeartbeatConfig = ValueOf<typeof heartbeatSection>;
/** `hls{}` of a vhost. */
export type HlsConfig = ValueOf<typeof hlsSection>;
/** `http_hooks{}` of a vhost. */
export type HttpHooksConfig = ValueOf<typeof httpHooksSection>;
/** `ingest NAME {}` of a vhost; `label` is its name. */
export type IngestConfig = Labelled<ValueOf<typeof ingestSection>>;
/** `rtc{}` of a vhost. */
export type RtcConfig = ValueOf<typeof rtcSection>;
/** `rtc_server{}` of the root. */
export type RtcServerConfig = ValueOf<typeof rtcServerSection>;
/** `security{}` of a vhost. */
export type SecurityConfig = ValueOf<typeof securitySection>;
/** `srt{}` of a vhost. */
export type SrtConfig = ValueOf<typeof srtSection>;
/** `srt_server{}` of the root. */
export type SrtServerConfig = ValueOf<typeof srtServerSection>;
/** `stats{}` of the root. */
export type StatsConfig = ValueOf<typeof statsSection>;
/** `stream_caster{}` of the root. */
export type StreamCasterConfig = Labelled<ValueOf<typeof streamCasterSection>>;
/** `rtmps{}` of the root, and `https{}` of the HTTP servers. */
export type TlsConfig = ValueOf<typeof rtmpsSection>;
/** `token{}` of a vhost. */
export type TokenConfig = ValueOf<typeof tokenSection>;
/** `transcode [APP[/STREAM]] {}` of a vhost; `label` is its scope, empty for the whole vhost. */
export type TranscodeConfig = Labelled<ValueOf<typeof transcodeSection>>;

/** All directives of a file, validated. */
export type RootValue = ValueOf<typeof rootSection>;
/** All directives of a vhost, validated; `label` is its name. */
export type VhostValue = Labelled<ValueOf<typeof vhostSection>>;

export { guardSections } from './guards.ts';
export { nearestName } from './nearest.ts';
export { playSection } from './play.ts';
export { publishSection } from './publish.ts';
export { SectionReader } from './reader.ts';
export type { ConfigWarning, InactiveDirective } from './reader.ts';
export { limitsSection, outboundSection, rootSection } from './root.ts';
export { isSwitchedOff, saysOff } from './section.ts';
export type { Field, Fields, Section } from './section.ts';
export { httpApiSection, httpRemuxSection, httpServerSection, httpStaticSection } from './http.ts';
export { tokenSection } from './access.ts';
export { apiHttpsSection, rtmpsSection, serverHttpsSection } from './tls.ts';
export { vhostSection } from './vhost.ts';
