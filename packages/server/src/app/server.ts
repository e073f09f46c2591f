import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';

import { BandwidthGate } from '../bandwidth/index.ts';
import {
  type Config,
  type ConfigChange,
  findVhost,
  formatListenAddress,
  keepUnchanged,
  type ListenAddress,
  planReload,
  reloadProblem,
  type VhostConfig,
} from '../config/index.ts';
import { summariesShape } from '../api/index.ts';
import { Heartbeat, type HookEvent, HttpCallbacks } from '../hooks/index.ts';
import { LiveHub, type LiveSettings, type StreamId, streamKey } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import { ServerMetrics } from '../metrics/index.ts';
import { IngestLoops } from '../relay/ingest/index.ts';
import { HlsDoor } from '../servers/hls/index.ts';
import { HttpLiveDoor } from '../servers/http-live/index.ts';
import { AccessControl } from '../security/index.ts';
import { RtmpServer } from '../servers/rtmp/index.ts';
import { namesProblem } from '../sinks/disk/index.ts';
import type { FinishedFile } from '../sinks/dvr/index.ts';
import type { HlsSegmentEvent } from '../sinks/hls/index.ts';
import { Admission, SAMPLE_INTERVAL_MS, Sessions, SystemStats } from '../stats/index.ts';
import { createApiSource } from './api-source.ts';
import { ServerGates } from './gates.ts';
import { descriptorProblem } from './descriptors.ts';
import { HttpDoors } from './http-doors.ts';
import { idOf } from './ids.ts';
import { localAddresses } from './local-addresses.ts';
import { type ListenDoor, Listeners, type WantedAddresses } from './listeners.ts';
import { Reloader, ReloadError, type ReloadResult } from './reload.ts';
import { Sinks } from './sinks.ts';
import { StartError } from './start-error.ts';
import { Summary } from './summary.ts';
import { TlsDoors } from './tls-doors.ts';
import { packageVersion } from './version.ts';

/** What a server is made with, besides its configuration. */
export interface ServerSources {
  /** Reads the configuration anew, for a reload; throws ConfigError. Without it there is none. */
  readonly load?: (() => Config) | undefined;
}

/** Where a server listens, with the ports that the system chose where 0 was asked for. */
export interface ServerAddresses {
  readonly rtmp: readonly ListenAddress[];
  readonly http: readonly ListenAddress[];
  readonly api: readonly ListenAddress[];
  readonly rtmps: readonly ListenAddress[];
  readonly https: readonly ListenAddress[];
  readonly apiHttps: readonly ListenAddress[];
}

/** Where callbacks go that could not be delivered. */
const DEAD_LETTER_FILE = './objs/sluice-callbacks.dead';

interface StreamOfVhost {
  readonly vhost: VhostConfig;
  readonly app: string;
  readonly stream: string;
}

/** A whole server: the composition of all rooms. */
export class SluiceServer {
  readonly version = packageVersion();
  #config: Config;
  readonly #log: Log;
  readonly #hub = new LiveHub({
    onPublish: (stream) => {
      this.#sinks.published(stream);
    },
  });
  readonly #sessions = new Sessions();
  readonly #admission: Admission;
  readonly #callbacks: HttpCallbacks;
  readonly #heartbeat: Heartbeat;
  readonly #metrics: ServerMetrics;
  readonly #system: SystemStats;
  readonly #settings = new WeakMap<VhostConfig, LiveSettings>();
  readonly #sinks: Sinks;
  readonly #ingests: IngestLoops;
  readonly #rtmp: RtmpServer;
  readonly #httpLive: HttpLiveDoor;
  readonly #hls: HlsDoor;
  readonly #http: HttpDoors;
  readonly #tls: TlsDoors;
  readonly #listeners: Listeners;
  readonly #rtmpDoor: ListenDoor;
  readonly #reloader: Reloader;
  readonly #reconfiguredListeners = new Set<(config: Config, before: Config) => void>();
  #applying: Promise<unknown> = Promise.resolve();
  #sampler: NodeJS.Timeout | undefined;
  #summary: Summary | undefined;
  /** Another configuration can be taken. */
  #running = false;
  #closing: Promise<void> | undefined;

  constructor(config: Config, log: Log, { load }: ServerSources = {}) {
    this.#config = config;
    this.#log = log;
    this.#system = new SystemStats({ disks: () => this.#config.stats.disks });
    const access = new AccessControl({ log, limits: () => this.#config.limits });
    this.#admission = new Admission(() => this.#config.maxConnections, access);
    const identity = { serverId: serverId(config.listen), serviceId: randomBytes(4).toString('hex') };
    this.#callbacks = new HttpCallbacks({
      log,
      ...identity,
      streamId: (vhost, app, stream) => idOf(streamKey({ vhost, app, stream })),
      deadLetterFile: DEAD_LETTER_FILE,
    });
    this.#ingests = new IngestLoops({ log });
    this.#sinks = new Sinks({
      log,
      hub: this.#hub,
      signature: `Sluice/${this.version}`,
      utc: config.log.utc,
      vhosts: () => [...this.#config.vhosts.values()].filter(({ enabled }) => enabled),
      findVhost: (name) => findVhost(this.#config, name),
    });
    const context = {
      version: this.version,
      log,
      hub: this.#hub,
      admission: this.#admission,
      sessions: this.#sessions,
      bandwidth: new BandwidthGate(),
      gates: new ServerGates(access, this.#callbacks, (vhost) => this.#current(vhost)),
      config: () => this.#config,
      findVhost: (host: string) => findVhost(this.#config, host),
      settings: (vhost: VhostConfig) => this.#liveSettings(this.#current(vhost)),
      nameProblem: (vhost: VhostConfig, app: string, stream: string) =>
        vhost.hls.enabled || vhost.hds.enabled || vhost.dvr.enabled ? namesProblem(app, stream) : undefined,
    };
    this.#rtmp = new RtmpServer(context);
    this.#httpLive = new HttpLiveDoor(context);
    this.#hls = new HlsDoor({ ...context, source: this.#sinks.hls });
    this.#rtmpDoor = {
      name: 'RTMP',
      directive: 'listen',
      open: (address) => this.#rtmp.listen(address),
      close: (bound) => {
        this.#rtmp.unlisten(bound);
      },
    };
    const source = createApiSource({
      version: this.version,
      ...identity,
      hub: this.#hub,
      sessions: this.#sessions,
      faults: (streamKey) => this.#sinks.faults(streamKey),
      config: () => this.#config,
      connections: () => this.#admission.open,
      system: this.#system,
    });
    this.#metrics = new ServerMetrics({
      version: this.version,
      ...identity,
      sessions: this.#sessions,
      hub: this.#hub,
      connections: () => this.#admission.open,
      maxConnections: () => this.#config.maxConnections,
      faults: (streamKey) => this.#sinks.faults(streamKey),
      system: this.#system,
      exporter: () => this.#config.exporter,
    });
    this.onSegment(({ readyMs }) => {
      this.#metrics.segmentReady(readyMs);
    });
    this.#http = new HttpDoors({
      ...context,
      source,
      metrics: this.#metrics,
      dvrs: this.#sinks.dvr,
      control: {
        kick: (id) => this.kick(id),
        reload: () => this.reload('API'),
      },
      virtualFiles: this.#hls,
      live: this.#httpLive,
      rtmpPort: () => this.#rtmpPort,
    });
    this.#heartbeat = new Heartbeat({
      log,
      source: {
        ...identity,
        ip: () => localAddresses()[Number(this.#config.stats.network) || 0] ?? '127.0.0.1',
        summaries: () => ({
          code: 0,
          data: summariesShape(source.version, source.system(), source.totals()),
        }),
        ports: () => {
          const { rtmp, http, api } = this.addresses;
          return {
            rtmp: rtmp.map(formatListenAddress),
            http: http.map(formatListenAddress),
            api: api.map(formatListenAddress),
          };
        },
      },
    });
    this.#tls = new TlsDoors({ log, rtmp: this.#rtmp, http: this.#http });
    this.#listeners = new Listeners((error) => {
      log.error(error.message);
    });
    this.#tellOfFiles();
    this.#reloader = new Reloader({
      log,
      load: () => {
        if (load !== undefined) return load();
        throw new ReloadError('no-configuration-file', 'the server was not made from a configuration file');
      },
      apply: (next) => this.apply(next),
    });
  }

  get config(): Config {
    return this.#config;
  }

  get addresses(): ServerAddresses {
    const http = this.#listeners.of(this.#http.server);
    const api = this.#listeners.of(this.#http.api);
    const shared = this.#config.httpApi.enabled && api.length === 0;
    const rtmps = this.#listeners.of(this.#tls.rtmps);
    const https = this.#listeners.of(this.#tls.https);
    const ownHttps = [this.#tls.apiHttps, this.#tls.sharedApiHttps].flatMap((door) =>
      this.#listeners.of(door),
    );
    const apiHttps = shared && ownHttps.length === 0 ? https : ownHttps;
    const rtmp = this.#listeners.of(this.#rtmpDoor);
    return { rtmp, http, api: shared ? http : api, rtmps, https, apiHttps };
  }

  /** The streams that are published or played now. */
  get streams(): LiveHub {
    return this.#hub;
  }

  /** Ends a client by its session id, with the reason `kicked`; false when there is none. */
  kick(id: string): boolean {
    return (
      this.#rtmp.closeConnection(id, 'kicked') ||
      this.#httpLive.closeViewer(id, 'kicked') ||
      this.#hls.closeViewer(id, 'kicked')
    );
  }

  /**
   * Tells of each HLS segment that is whole, on disk where it goes there.
   *
   * @returns stops it
   */
  onSegment(listener: (segment: HlsSegmentEvent) => void): () => void {
    return this.#sinks.hls.onSegment(listener);
  }

  /**
   * Tells of each recording that is finished and has its name.
   *
   * @returns stops it
   */
  onRecording(listener: (file: FinishedFile) => void): () => void {
    return this.#sinks.onRecording(listener);
  }

  /**
   * Listens on every address of the configuration, or on none of them.
   *
   * @throws StartError
   */
  async start(): Promise<void> {
    const problem = descriptorProblem(this.#config.maxConnections);
    if (problem !== undefined) throw new StartError('too-few-descriptors', problem);
    const { inactive, warnings } = this.#config;
    if (inactive.length > 0) {
      const names = inactive.map(({ path, line }) => `${path} (line ${line})`).join(', ');
      this.#log.warn(`accepted, but without effect in this version: ${names}`);
    }
    for (const warning of warnings) this.#log.warn(warning.message);
    try {
      const certificates = await this.#tls.prepare(this.#config);
      const swap = await this.#http.prepare(this.#config);
      const addresses = await this.#listeners.prepare(this.#wantedAddresses(this.#config));
      swap();
      certificates();
      addresses.commit();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#sinks.start();
    this.#ingests.apply(this.#config, this.#rtmpPort);
    this.#heartbeat.apply(this.#config.heartbeat);
    this.#watchForMetrics();
    this.#sampler = setInterval(() => {
      this.#sessions.sample();
      this.#system.sample();
    }, SAMPLE_INTERVAL_MS);
    this.#sampler.unref();
    this.#summary = new Summary(this.#sessions, this.#hub, this.#log, this.#config.pithyPrintMs);
    this.#running = true;
  }

  /** Connections of every kind that are open now. */
  get connections(): number {
    return this.#admission.open;
  }

  /** The first part of a graceful stop: takes no more connections; those that are there go on until {@link close}. */
  async stopListening(): Promise<void> {
    this.#running = false;
    await this.#applying;
    (await this.#listeners.prepare([])).commit();
    // What the server publishes to itself would keep it alive.
    await this.#ingests.close();
  }

  /**
   * Reads the configuration again from where it came, and applies it; a bad one changes nothing. Never rejects.
   *
   * @param reason - who asks, for the log: `SIGHUP`
   */
  reload(reason: string): Promise<ReloadResult> {
    return this.#reloader.reload(reason);
  }

  /**
   * Goes on with another configuration, wholly or not at all, after a change that is under way. What it doesn't
   * concern feels nothing of it: streams, players and recordings go on.
   *
   * @returns what has changed
   * @throws ReloadError or StartError; nothing has changed then
   */
  async apply(config: Config): Promise<readonly ConfigChange[]> {
    const applied = this.#applying.then(() => this.#apply(config));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  /**
   * Tells of each configuration that has become the server's by {@link apply}, of those parts that are not its own:
   * the log, the process.
   *
   * @returns stops it
   */
  onReconfigured(listener: (config: Config, before: Config) => void): () => void {
    this.#reconfiguredListeners.add(listener);
    return () => {
      this.#reconfiguredListeners.delete(listener);
    };
  }

  /** Stops to listen, ends every connection and waits until all are gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Looks at the event loop while there is a port to read the metrics at: it costs a little all the time. */
  #watchForMetrics(): void {
    const { exporter, httpApi } = this.#config;
    if (exporter.enabled || httpApi.enabled) this.#metrics.start();
    else this.#metrics.stop();
  }

  /** Callback servers are told of each segment and each recording. */
  #tellOfFiles(): void {
    const tell = ({ vhost: name, app, stream }: StreamId, event: (of: StreamOfVhost) => HookEvent): void => {
      const vhost = findVhost(this.#config, name);
      if (vhost !== undefined) this.#callbacks.tell(event({ vhost, app, stream }));
    };
    this.onSegment((segment) => {
      tell(segment.stream, (of) => ({ action: 'on_hls', ...of, segment }));
    });
    this.onRecording((recording) => {
      if (recording.stream !== undefined)
        tell(recording.stream, (of) => ({ action: 'on_dvr', ...of, recording }));
    });
  }

  async #close(): Promise<void> {
    this.#running = false;
    await this.#applying;
    clearInterval(this.#sampler);
    this.#summary?.stop();
    this.#metrics.stop();
    // Publishers go first, so that players get what was published last.
    await this.#ingests.close();
    await this.#rtmp.close();
    this.#httpLive.close();
    this.#hls.close();
    await this.#sinks.close();
    await Promise.all([this.#callbacks.close(), this.#heartbeat.close()]);
    await this.#http.shutDown();
    this.#tls.close();
  }

  async #apply(given: Config): Promise<readonly ConfigChange[]> {
    if (!this.#isRunning()) throw notRunning();
    const before = this.#config;
    // Rooms keep what they make of a vhost by its object: what is as it was stays the same one.
    const config = keepUnchanged(before, given);
    const changes = planReload(before, config);
    const problem = reloadProblem(changes);
    if (problem !== undefined) throw new ReloadError('vhost-mode-changed', problem);
    const tooFew = descriptorProblem(config.maxConnections);
    if (tooFew !== undefined) throw new StartError('too-few-descriptors', tooFew);
    const certificates = await this.#tls.prepare(config);
    const swap = await this.#http.prepare(config);
    const addresses = await this.#listeners.prepare(this.#wantedAddresses(config));
    if (!this.#isRunning()) {
      await addresses.rollback();
      throw notRunning();
    }
    this.#config = config;
    swap();
    certificates();
    addresses.commit();
    this.#reconfigure(config, before);
    return changes;
  }

  /** Tells every room. The configuration is the server's already: what fails in one room is no other room's. */
  #reconfigure(config: Config, before: Config): void {
    const steps = [
      () => {
        for (const stream of this.#hub.streams()) {
          const vhost = config.vhosts.get(stream.id.vhost);
          if (vhost?.enabled === true) stream.configure(this.#liveSettings(vhost));
        }
      },
      // Viewers before publishers, so that their reason is their vhost's end and not the publisher's.
      () => {
        this.#httpLive.reconfigured();
        this.#hls.reconfigured();
        this.#rtmp.reconfigured();
      },
      () => {
        for (const stream of this.#hub.streams()) this.#sinks.configured(stream);
      },
      () => {
        this.#ingests.apply(config, this.#rtmpPort);
      },
      () => {
        this.#watchForMetrics();
      },
      () => {
        if (!isDeepStrictEqual(config.heartbeat, before.heartbeat)) this.#heartbeat.apply(config.heartbeat);
      },
      () => {
        if (config.pithyPrintMs === before.pithyPrintMs) return;
        this.#summary?.stop();
        this.#summary = new Summary(this.#sessions, this.#hub, this.#log, config.pithyPrintMs);
      },
      ...[...this.#reconfiguredListeners].map((listener) => () => {
        listener(config, before);
      }),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        this.#log.error(error, 'a part of a reload failed');
      }
    }
  }

  /** A method, so that the compiler expects a change across an await. */
  #isRunning(): boolean {
    return this.#running;
  }

  get #rtmpPort(): number {
    return this.#listeners.of(this.#rtmpDoor)[0]?.port ?? 1935;
  }

  #wantedAddresses(config: Config): WantedAddresses[] {
    return [
      { door: this.#rtmpDoor, addresses: config.listen },
      ...this.#http.wanted(config),
      ...this.#tls.wanted(config),
    ];
  }

  /** Who was asked about a client may have been slower than a reload. */
  #current(vhost: VhostConfig): VhostConfig {
    return this.#config.vhosts.get(vhost.name) ?? vhost;
  }

  #liveSettings(vhost: VhostConfig): LiveSettings {
    let settings = this.#settings.get(vhost);
    if (settings === undefined) {
      const { httpRemux, minLatency, play, publish } = vhost;
      const name = `Sluice/${this.version}`;
      const metadata = {
        server: name,
        server_version: this.version,
        srs_primary: 'Sluice',
        srs_authors: 'The Sluice authors',
      };
      const fastCacheMs = httpRemux.enabled ? httpRemux.fastCacheSeconds * 1000 : 0;
      settings = { minLatency, play, publish, metadata, fastCacheMs };
      this.#settings.set(vhost, settings);
    }
    return settings;
  }
}

function notRunning(): ReloadError {
  return new ReloadError('not-running', 'the server is starting or stopping');
}

/** The same machine and ports give the same id. */
function serverId(rtmp: readonly ListenAddress[]): string {
  return idOf([hostname(), ...rtmp.map(formatListenAddress)].join(' '));
}
