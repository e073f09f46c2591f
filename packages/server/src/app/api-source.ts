import type {
  ApiSource,
  ClientType,
  ClientView,
  EndedView,
  FaultView,
  FlushView,
  KbpsView,
  StreamView,
  SystemView,
  VhostView,
} from '../api/index.ts';
import type { Config, VhostConfig } from '../config/index.ts';
import type { FlushTimes, LiveHub, LiveStream } from '../live/index.ts';
import { maskSecrets, publicUrl } from '../security/index.ts';
import { NO_RATES, type Rates, type Session, type SessionEntry, type Sessions } from '../stats/index.ts';
import { audioView, videoView } from './codec-names.ts';
import { idOf } from './ids.ts';
import { NO_VHOST_TRAFFIC, trafficOfVhosts, type VhostTraffic } from './vhost-traffic.ts';

/** The parts of the server that the API looks at. */
export interface ApiParts {
  readonly version: string;
  readonly serverId: string;
  readonly serviceId: string;
  readonly hub: LiveHub;
  readonly sessions: Sessions;
  /** What the sinks of a stream suffer from. */
  faults(streamKey: string): readonly FaultView[];
  /** As it is now. */
  config(): Pick<Config, 'vhosts'>;
  /** Open connections of every kind. */
  connections(): number;
  /** Failures of timers, listeners and background work that were caught. */
  internalFaults(): number;
  readonly system: { read(): SystemView };
}

/** Ids that are kept rather than made again: a page of clients asks for the same few ones again and again. */
const MAX_KEPT_IDS = 10_000;

/** The server as the API sees it. Views are made one by one, as the API asks for them. */
export function createApiSource(parts: ApiParts): ApiSource {
  const { version, serverId, serviceId, hub, sessions, system } = parts;
  const ids = new Ids();
  function* streams(): Generator<StreamView> {
    for (const stream of hub.streams()) yield streamView(stream, parts, ids);
  }
  function* clients(): Generator<ClientView> {
    for (const entry of sessions.all()) yield new SessionView(entry, ids);
  }
  function* ended(): Generator<EndedView> {
    for (const one of sessions.ended.latest()) {
      yield one.detail === undefined ? one : { ...one, detail: maskSecrets(one.detail) };
    }
  }
  function* vhosts(): Generator<VhostView> {
    const traffic = trafficOfVhosts(hub, sessions);
    for (const vhost of parts.config().vhosts.values()) yield vhostView(vhost, traffic, ids);
  }
  return {
    version,
    serverId,
    serviceId,
    pid: process.pid,
    streams,
    stream: (id) => {
      for (const stream of hub.streams())
        if (ids.of(stream.key) === id) return streamView(stream, parts, ids);
      return undefined;
    },
    clients,
    client: (id) => {
      const entry = sessions.get(id);
      return entry === undefined ? undefined : new SessionView(entry, ids);
    },
    vhosts,
    vhost: (id) => {
      for (const vhost of parts.config().vhosts.values()) {
        if (ids.of(vhost.name) === id) return vhostView(vhost, trafficOfVhosts(hub, sessions), ids);
      }
      return undefined;
    },
    ended,
    totals: () => {
      const { publishers, players, bytesIn, bytesOut, droppedFrames } = sessions.totals();
      const rates = sessions.rates();
      const { videoFrames, audioFrames, corrections, correctedMs, flushes } = hub.totals;
      return {
        bytesReceived: bytesIn,
        bytesSent: bytesOut,
        internalFaults: parts.internalFaults(),
        connections: parts.connections(),
        traffic: {
          publishers,
          players,
          streams: hub.size,
          kbps: rates,
          fps: rates.fps,
          videoFrames,
          audioFrames,
          droppedFrames,
          jitter: { corrections, correctedMs },
          flushes: flushView(flushes),
        },
      };
    },
    system: () => system.read(),
  };
}

/** Ids by names: the same name gives the same id, on every start. */
class Ids {
  readonly #kept = new Map<string, string>();

  of(name: string): string {
    let id = this.#kept.get(name);
    if (id === undefined) {
      id = idOf(name);
      if (this.#kept.size >= MAX_KEPT_IDS) this.#kept.clear();
      this.#kept.set(name, id);
    }
    return id;
  }
}

function vhostView(vhost: VhostConfig, vhosts: ReadonlyMap<string, VhostTraffic>, ids: Ids): VhostView {
  const traffic = vhosts.get(vhost.name) ?? NO_VHOST_TRAFFIC;
  const { streams, clients, players, bytesIn, bytesOut, droppedFrames, rates } = traffic;
  return {
    id: ids.of(vhost.name),
    name: vhost.name,
    enabled: vhost.enabled,
    clients,
    streams,
    players,
    bytesReceived: bytesIn,
    bytesSent: bytesOut,
    kbps: rates,
    fps: rates.fps,
    droppedFrames,
    jitter: { corrections: traffic.corrections, correctedMs: traffic.correctedMs },
    hls: { enabled: vhost.hls.enabled, fragmentMs: vhost.hls.fragmentMs },
  };
}

function streamView(stream: LiveStream, parts: ApiParts, ids: Ids): StreamView {
  const { sessions } = parts;
  const { meter } = stream;
  const { vhost, app, stream: name } = stream.id;
  const traffic = sessions.traffic(stream.key);
  const totals = traffic?.totals();
  const rates = totals === undefined ? undefined : traffic?.rates(totals);
  const publisher = stream.publisherId === undefined ? undefined : sessions.get(stream.publisherId);
  return {
    id: ids.of(stream.key),
    name,
    app,
    vhostId: ids.of(vhost),
    tcUrl: publisher === undefined ? `rtmp://${vhost}/${app}` : publicUrl(publisher.session.tcUrl),
    url: urlOf(vhost, app, name),
    publisherId: stream.publisherId,
    liveMs: traffic === undefined ? 0 : performance.now() - traffic.since,
    clients: traffic?.clients ?? 0,
    players: traffic?.players ?? 0,
    frames: stream.videoFrames,
    audioFrames: meter.audioFrames,
    fps: rates?.fps ?? 0,
    droppedFrames: totals?.droppedFrames ?? 0,
    bytesReceived: totals?.bytesIn ?? 0,
    bytesSent: totals?.bytesOut ?? 0,
    kbps: rates ?? NO_RATES,
    gop: meter.gop,
    jitter: { corrections: meter.corrections, correctedMs: meter.correctedMs },
    heldBytes: stream.heldBytes,
    flushes: meter.flushes === undefined ? undefined : flushView(meter.flushes),
    video: stream.video === undefined ? undefined : videoView(stream.video),
    audio: stream.audio === undefined ? undefined : audioView(stream.audio),
    faults: parts.faults(stream.key),
  };
}

function flushView(flushes: FlushTimes): FlushView {
  return { count: flushes.count, p50Ms: flushes.quantile(0.5), p99Ms: flushes.quantile(0.99) };
}

/** A client. What it tells is worked out when it is asked: a page passes over thousands that it doesn't show. */
class SessionView implements ClientView {
  readonly #session: Session;
  readonly #entry: SessionEntry;
  readonly #ids: Ids;
  #rates: Rates | undefined;

  constructor(entry: SessionEntry, ids: Ids) {
    this.#session = entry.session;
    this.#entry = entry;
    this.#ids = ids;
  }

  get id(): string {
    return this.#session.id;
  }

  get vhostId(): string {
    return this.#ids.of(this.#session.vhost);
  }

  get streamId(): string {
    return this.#ids.of(streamKeyOf(this.#session));
  }

  get ip(): string {
    return this.#session.ip;
  }

  get pageUrl(): string {
    return maskSecrets(this.#session.pageUrl);
  }

  get swfUrl(): string {
    return maskSecrets(this.#session.swfUrl);
  }

  get tcUrl(): string {
    return maskSecrets(this.#session.tcUrl);
  }

  get url(): string {
    const { vhost, app, stream } = this.#session;
    return urlOf(vhost, app, stream);
  }

  get name(): string {
    return this.#session.stream;
  }

  get type(): ClientType {
    return this.#session.type;
  }

  get publish(): boolean {
    return this.#session.publish;
  }

  get aliveSeconds(): number {
    return (performance.now() - this.#session.since) / 1000;
  }

  get bytesSent(): number {
    return this.#session.bytesOut;
  }

  get bytesReceived(): number {
    return this.#session.bytesIn;
  }

  get kbps(): KbpsView {
    return this.#rated;
  }

  get videoFrames(): number {
    return this.#session.videoFrames;
  }

  get fps(): number {
    return this.#rated.fps;
  }

  get droppedFrames(): number {
    return this.#session.droppedFrames;
  }

  get #rated(): Rates {
    this.#rates ??= this.#entry.rates();
    return this.#rates;
  }
}

function streamKeyOf({ vhost, app, stream }: Session): string {
  return `${vhost}/${app}/${stream}`;
}

function urlOf(vhost: string, app: string, stream: string): string {
  return vhost === '__defaultVhost__' ? `/${app}/${stream}` : `${vhost}/${app}/${stream}`;
}
