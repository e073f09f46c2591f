import type { RootValue, VhostValue } from './sections/index.ts';
import type {
  Config,
  ConfigWarning,
  HttpRemuxConfig,
  InactiveDirective,
  PlayConfig,
  PublishConfig,
  VhostConfig,
} from './types.ts';

function assemblePublish(publish: VhostValue['publish']): PublishConfig {
  return {
    firstPacketTimeoutMs: publish.firstPacketTimeoutMs,
    normalTimeoutMs: publish.normalTimeoutMs,
    parseSps: publish.parseSps,
    conflict: publish.conflict,
    mergedRead: { enabled: publish.mergedRead, latencyMs: publish.mergedReadLatencyMs },
  };
}

function assemblePlay(play: VhostValue['play']): PlayConfig {
  return {
    gopCache: play.gopCache,
    gopCacheMaxBytes: play.gopCacheMaxBytes,
    gopCacheMaxFrames: play.gopCacheMaxFrames,
    queueLengthMs: play.queueLengthMs,
    queueMaxBytes: play.queueMaxBytes,
    waitTimeoutMs: play.waitTimeoutMs,
    timeJitter: play.timeJitter,
    mixCorrect: play.mixCorrect,
    atc: play.atc,
    atcAuto: play.atcAuto,
    mergedWriteLatencyMs: play.mergedWriteLatencyMs,
    sendMinIntervalMs: play.sendMinIntervalMs,
    reduceSequenceHeader: play.reduceSequenceHeader,
  };
}

function assembleHttpRemux(httpRemux: VhostValue['httpRemux']): HttpRemuxConfig {
  return {
    enabled: httpRemux.enabled,
    mounts: httpRemux.mounts,
    hstrs: httpRemux.hstrs,
    fastCacheSeconds: httpRemux.fastCacheSeconds,
  };
}

/** What was made of a value is made once: vhosts share what is equal. */
function once<Value extends object, Result>(make: (value: Value) => Result): (value: Value) => Result {
  const made = new WeakMap<Value, Result>();
  return (value) => {
    let result = made.get(value);
    if (result === undefined) made.set(value, (result = make(value)));
    return result;
  };
}

/** Makes the sections of vhosts that have another form than their directives. */
interface VhostParts {
  readonly publish: typeof assemblePublish;
  readonly play: typeof assemblePlay;
  readonly httpRemux: typeof assembleHttpRemux;
}

/** The vhost of validated directives. `chunkSize` is the root's, for a vhost that names none. */
export function assembleVhost(
  value: VhostValue,
  chunkSize: number,
  parts: VhostParts = { publish: assemblePublish, play: assemblePlay, httpRemux: assembleHttpRemux },
): VhostConfig {
  return {
    name: value.label,
    enabled: value.enabled,
    chunkSize: value.chunkSize ?? chunkSize,
    minLatency: value.minLatency,
    tcpNodelay: value.tcpNodelay,
    publish: parts.publish(value.publish),
    play: parts.play(value.play),
    refer: value.refer,
    httpRemux: parts.httpRemux(value.httpRemux),
    httpStatic: value.httpStatic,
    cluster: value.cluster,
    forward: value.forward,
    security: value.security,
    token: value.token,
    bandcheck: value.bandcheck,
    hls: value.hls,
    hds: value.hds,
    dash: value.dash,
    dvr: value.dvr,
    httpHooks: value.httpHooks,
    exec: value.exec,
    ingests: value.ingests,
    transcodes: value.transcodes,
    rtc: value.rtc,
    srt: value.srt,
  };
}

/** What was noticed while the directives were read. */
export interface Notices {
  readonly inactive: readonly InactiveDirective[];
  readonly warnings: readonly ConfigWarning[];
}

/**
 * The configuration of validated directives.
 *
 * @param urlsByApi - see {@link Config.urlsByApi}
 */
export function assembleConfig(root: RootValue, notices: Notices, urlsByApi: readonly string[] = []): Config {
  const parts: VhostParts = {
    publish: once(assemblePublish),
    play: once(assemblePlay),
    httpRemux: once(assembleHttpRemux),
  };
  const vhosts = root.vhosts.map(
    (vhost) => [vhost.label, assembleVhost(vhost, root.chunkSize, parts)] as const,
  );
  return {
    listen: root.listen,
    pid: root.pid,
    chunkSize: root.chunkSize,
    maxConnections: root.maxConnections,
    daemon: root.daemon,
    disableDaemonForDocker: root.disableDaemonForDocker,
    inDocker: root.inDocker,
    asprocess: root.asprocess,
    graceStartWaitMs: root.graceStartWaitMs,
    graceTimeoutMs: root.graceTimeoutMs,
    graceFinalWaitMs: root.graceFinalWaitMs,
    forceGraceQuit: root.forceGraceQuit,
    workDir: root.workDir,
    log: {
      tank: root.logTank,
      level: root.logLevel,
      format: root.logFormat,
      file: root.logFile,
      utc: root.utcTime,
    },
    rtmps: root.rtmps,
    httpApi: {
      enabled: root.httpApi.enabled,
      listen: root.httpApi.listen,
      crossdomain: root.httpApi.crossdomain,
      allowedHosts: root.httpApi.allowedHosts,
      allowedOrigins: root.httpApi.allowedOrigins,
      rawApi: root.httpApi.rawApi,
      auth: root.httpApi.auth,
      https: root.httpApi.https,
    },
    httpServer: {
      enabled: root.httpServer.enabled,
      listen: root.httpServer.listen,
      dir: root.httpServer.dir,
      listStreams: root.httpServer.listStreams,
      publicUrl: root.httpServer.publicUrl,
      rtmpPublicUrl: root.httpServer.rtmpPublicUrl,
      https: root.httpServer.https,
    },
    limits: root.limits,
    trustedProxies: root.trustedProxies,
    outbound: root.outbound,
    urlsByApi,
    pithyPrintMs: root.pithyPrintMs,
    vhosts: new Map(vhosts),
    inactive: notices.inactive,
    warnings: notices.warnings,
    ffLogDir: root.ffLogDir,
    heartbeat: root.heartbeat,
    stats: root.stats,
    streamCasters: root.streamCasters,
    rtcServer: root.rtcServer,
    srtServer: root.srtServer,
    exporter: root.exporter,
  };
}
