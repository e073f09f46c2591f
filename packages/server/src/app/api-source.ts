import type {
  ApiSource,
  ClientType,
  ClientView,
  FaultView,
  KbpsView,
  StreamView,
  SystemView,
  VhostView,
} from '../api/index.ts';
import type { Config, VhostConfig } from '../config/index.ts';
import type { LiveHub, LiveStream } from '../live/index.ts';
import type { Session, SessionEntry, Sessions } from '../stats/index.ts';
import { audioView, videoView } from './codec-names.ts';
import { idOf } from './ids.ts';

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
  function* vhosts(): Generator<VhostView> {
    const traffic = trafficOfVhosts(parts);
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
        if (ids.of(vhost.name) === id) return vhostView(vhost, trafficOfVhosts(parts), ids);
      }
      return undefined;
    },
    ended: () => sessions.ended.latest(),
    totals: () => {
      const { bytesIn, bytesOut } = sessions.totals();
      const connections = parts.connections();
      return { bytesReceived: bytesIn, bytesSent: bytesOut, connections };
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

/** What the streams of one vhost move. */
interface VhostTraffic {
  streams: number;
  clients: number;
  bytesIn: number;
  bytesOut: number;
  received30s: number;
  sent30s: number;
}

function trafficOfVhosts({ hub, sessions }: ApiParts): ReadonlyMap<string, VhostTraffic> {
  const vhosts = new Map<string, VhostTraffic>();
  for (const stream of hub.streams()) {
    let sum = vhosts.get(stream.id.vhost);
    if (sum === undefined) {
      sum = { streams: 0, clients: 0, bytesIn: 0, bytesOut: 0, received30s: 0, sent30s: 0 };
      vhosts.set(stream.id.vhost, sum);
    }
    sum.streams += 1;
    const traffic = sessions.traffic(stream.key);
    if (traffic === undefined) continue;
    const { bytesIn, bytesOut, startedAt } = traffic;
    const kbps = traffic.rate.kbps(startedAt, bytesIn, bytesOut);
    sum.clients += traffic.sessions.size;
    sum.bytesIn += bytesIn;
    sum.bytesOut += bytesOut;
    sum.received30s += kbps.received30s;
    sum.sent30s += kbps.sent30s;
  }
  return vhosts;
}

function vhostView(vhost: VhostConfig, vhosts: ReadonlyMap<string, VhostTraffic>, ids: Ids): VhostView {
  const traffic = vhosts.get(vhost.name);
  return {
    id: ids.of(vhost.name),
    name: vhost.name,
    enabled: vhost.enabled,
    clients: traffic?.clients ?? 0,
    streams: traffic?.streams ?? 0,
    bytesReceived: traffic?.bytesIn ?? 0,
    bytesSent: traffic?.bytesOut ?? 0,
    kbps: { received30s: traffic?.received30s ?? 0, sent30s: traffic?.sent30s ?? 0 },
    hls: { enabled: vhost.hls.enabled, fragmentMs: vhost.hls.fragmentMs },
  };
}

function streamView(stream: LiveStream, parts: ApiParts, ids: Ids): StreamView {
  const { sessions } = parts;
  const { vhost, app, stream: name } = stream.id;
  const traffic = sessions.traffic(stream.key);
  const publisher = stream.publisherId === undefined ? undefined : sessions.get(stream.publisherId);
  const bytesReceived = traffic?.bytesIn ?? 0;
  const bytesSent = traffic?.bytesOut ?? 0;
  const startedAtMs = traffic?.startedAt ?? Date.now();
  return {
    id: ids.of(stream.key),
    name,
    app,
    vhostId: ids.of(vhost),
    tcUrl: publisher?.session.tcUrl ?? `rtmp://${vhost}/${app}`,
    url: urlOf(vhost, app, name),
    publisherId: stream.publisherId,
    startedAtMs,
    clients: traffic?.sessions.size ?? 0,
    frames: stream.videoFrames,
    bytesReceived,
    bytesSent,
    kbps: traffic?.rate.kbps(startedAtMs, bytesReceived, bytesSent) ?? { received30s: 0, sent30s: 0 },
    video: stream.video === undefined ? undefined : videoView(stream.video),
    audio: stream.audio === undefined ? undefined : audioView(stream.audio),
    faults: parts.faults(stream.key),
  };
}

/** A client. What it tells is worked out when it is asked: a page passes over thousands that it doesn't show. */
class SessionView implements ClientView {
  readonly #session: Session;
  readonly #rate: SessionEntry['rate'];
  readonly #ids: Ids;

  constructor({ session, rate }: SessionEntry, ids: Ids) {
    this.#session = session;
    this.#rate = rate;
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
    return this.#session.pageUrl;
  }

  get swfUrl(): string {
    return this.#session.swfUrl;
  }

  get tcUrl(): string {
    return this.#session.tcUrl;
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
    return (Date.now() - this.#session.startedAt) / 1000;
  }

  get bytesSent(): number {
    return this.#session.bytesOut;
  }

  get bytesReceived(): number {
    return this.#session.bytesIn;
  }

  get kbps(): KbpsView {
    const { startedAt, bytesIn, bytesOut } = this.#session;
    return this.#rate.kbps(startedAt, bytesIn, bytesOut);
  }
}

function streamKeyOf({ vhost, app, stream }: Session): string {
  return `${vhost}/${app}/${stream}`;
}

function urlOf(vhost: string, app: string, stream: string): string {
  return vhost === '__defaultVhost__' ? `/${app}/${stream}` : `${vhost}/${app}/${stream}`;
}
