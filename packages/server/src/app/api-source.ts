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
import {
  NO_RATES,
  type Rates,
  Reused,
  type Session,
  type SessionEntry,
  type Sessions,
  type StreamTraffic,
  type Traffic,
} from '../stats/index.ts';
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
  /** Whether HLS of a stream can be played now. */
  hlsReady(streamKey: string): boolean;
  /** As it is now. */
  config(): Pick<Config, 'vhosts'>;
  /** Open connections of every kind. */
  connections(): number;
  /** Failures of timers, listeners and background work that were caught. */
  internalFaults(): number;
  /** Clients and files that were refused for want of descriptors. */
  descriptorRefusals(): number;
  readonly system: { read(): SystemView };
}

/** Ids that are kept rather than made again: a page of clients asks for the same few ones again and again. */
const MAX_KEPT_IDS = 10_000;

/** The server as the API sees it. Views are made one by one, as the API asks for them. */
export function createApiSource(parts: ApiParts): ApiSource {
  const { version, serverId, serviceId, hub, sessions, system } = parts;
  const ids = new Ids();
  const traffic = new Reused(() => trafficOfVhosts(hub, sessions));
  function* streams(): Generator<StreamView> {
    for (const stream of hub.streams()) yield new LiveStreamView(stream, parts, ids);
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
    const sums = traffic.get();
    for (const vhost of parts.config().vhosts.values()) yield vhostView(vhost, sums, ids);
  }
  return {
    version,
    serverId,
    serviceId,
    pid: process.pid,
    streams,
    stream: (id) => {
      for (const stream of hub.streams())
        if (ids.ofStream(stream) === id) return new LiveStreamView(stream, parts, ids);
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
        if (ids.of(vhost.name) === id) return vhostView(vhost, traffic.get(), ids);
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
        descriptorRefusals: parts.descriptorRefusals(),
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
  readonly #streams = new WeakMap<LiveStream, string>();

  /** A stream is looked for by its id among all that there are. */
  ofStream(stream: LiveStream): string {
    let id = this.#streams.get(stream);
    if (id === undefined) {
      id = idOf(stream.key);
      this.#streams.set(stream, id);
    }
    return id;
  }

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

/** A stream. As with clients, what it tells is worked out when it is asked. */
class LiveStreamView implements StreamView {
  readonly #stream: LiveStream;
  readonly #parts: ApiParts;
  readonly #ids: Ids;
  readonly #traffic: StreamTraffic | undefined;
  #totals: Traffic | undefined;
  #rates: Rates | undefined;

  constructor(stream: LiveStream, parts: ApiParts, ids: Ids) {
    this.#stream = stream;
    this.#parts = parts;
    this.#ids = ids;
    this.#traffic = parts.sessions.traffic(stream.key);
  }

  get id(): string {
    return this.#ids.ofStream(this.#stream);
  }

  get name(): string {
    return this.#stream.id.stream;
  }

  get app(): string {
    return this.#stream.id.app;
  }

  get vhostId(): string {
    return this.#ids.of(this.#stream.id.vhost);
  }

  get tcUrl(): string {
    const { publisherId, id } = this.#stream;
    const publisher = publisherId === undefined ? undefined : this.#parts.sessions.get(publisherId);
    return publisher === undefined ? `rtmp://${id.vhost}/${id.app}` : publicUrl(publisher.session.tcUrl);
  }

  get url(): string {
    const { vhost, app, stream } = this.#stream.id;
    return urlOf(vhost, app, stream);
  }

  get publisherId(): string | undefined {
    return this.#stream.publisherId;
  }

  get liveMs(): number {
    return this.#traffic === undefined ? 0 : performance.now() - this.#traffic.since;
  }

  get clients(): number {
    return this.#traffic?.clients ?? 0;
  }

  get players(): number {
    return this.#traffic?.players ?? 0;
  }

  get frames(): number {
    return this.#stream.videoFrames;
  }

  get audioFrames(): number {
    return this.#stream.meter.audioFrames;
  }

  get fps(): number {
    return this.#rated.fps;
  }

  get droppedFrames(): number {
    return this.#moved?.droppedFrames ?? 0;
  }

  get bytesReceived(): number {
    return this.#moved?.bytesIn ?? 0;
  }

  get bytesSent(): number {
    return this.#moved?.bytesOut ?? 0;
  }

  get kbps(): KbpsView {
    return this.#rated;
  }

  get gop(): StreamView['gop'] {
    return this.#stream.meter.gop;
  }

  get jitter(): StreamView['jitter'] {
    const { corrections, correctedMs } = this.#stream.meter;
    return { corrections, correctedMs };
  }

  get heldBytes(): number {
    return this.#stream.heldBytes;
  }

  get flushes(): FlushView | undefined {
    const { flushes } = this.#stream.meter;
    return flushes === undefined ? undefined : flushView(flushes);
  }

  get video(): StreamView['video'] {
    const { video } = this.#stream;
    return video === undefined ? undefined : videoView(video);
  }

  get audio(): StreamView['audio'] {
    const { audio } = this.#stream;
    return audio === undefined ? undefined : audioView(audio);
  }

  get hlsReady(): boolean {
    return this.#parts.hlsReady(this.#stream.key);
  }

  get faults(): readonly FaultView[] {
    return this.#parts.faults(this.#stream.key);
  }

  get #moved(): Traffic | undefined {
    this.#totals ??= this.#traffic?.totals();
    return this.#totals;
  }

  get #rated(): Rates {
    const totals = this.#moved;
    this.#rates ??= (totals === undefined ? undefined : this.#traffic?.rates(totals)) ?? NO_RATES;
    return this.#rates;
  }
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
