import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

import { apiRoutes } from '../api/index.ts';
import {
  type Config,
  findVhost,
  formatListenAddress,
  type ListenAddress,
  type VhostConfig,
} from '../config/index.ts';
import { LiveHub, type LiveSettings } from '../live/index.ts';
import { type Log, plainAddress } from '../log/index.ts';
import { pageMounts } from './page-mounts.ts';
import { IngestLoops } from '../relay/ingest/index.ts';
import {
  createHttpServer,
  type HttpConnectionEnd,
  type HttpServer,
  type PlayerPageFacts,
} from '../servers/http/index.ts';
import { HlsDoor } from '../servers/hls/index.ts';
import { HttpLiveDoor } from '../servers/http-live/index.ts';
import { RtmpServer } from '../servers/rtmp/index.ts';
import { VodDoor, VodHls } from '../servers/vod/index.ts';
import { namesProblem } from '../sinks/disk/index.ts';
import type { FinishedFile } from '../sinks/dvr/index.ts';
import type { HlsSegmentEvent } from '../sinks/hls/index.ts';
import { Admission, SAMPLE_INTERVAL_MS, Sessions } from '../stats/index.ts';
import { createApiSource } from './api-source.ts';
import { Sinks } from './sinks.ts';
import { Summary } from './summary.ts';
import { descriptorProblem } from './descriptors.ts';
import { packageVersion } from './version.ts';

/** Why a server could not start. */
export type StartErrorCode = 'listen-failed' | 'too-few-descriptors';

/** The server can't start; the message names the thing and the remedy. */
export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }
}

/** Where a server listens, with the ports that the system chose where 0 was asked for. */
export interface ServerAddresses {
  readonly rtmp: readonly ListenAddress[];
  readonly http: readonly ListenAddress[];
  readonly api: readonly ListenAddress[];
}

/** A whole server: the composition of all rooms. */
export class SluiceServer {
  readonly version = packageVersion();
  readonly #config: Config;
  readonly #log: Log;
  readonly #hub = new LiveHub({
    onPublish: (stream) => {
      this.#sinks.published(stream);
    },
  });
  readonly #sessions = new Sessions();
  readonly #admission: Admission;
  readonly #settings = new WeakMap<VhostConfig, LiveSettings>();
  readonly #sinks: Sinks;
  readonly #ingests: IngestLoops;
  readonly #rtmp: RtmpServer;
  readonly #httpLive: HttpLiveDoor;
  readonly #hls: HlsDoor;
  readonly #http: HttpServer[] = [];
  #addresses: ServerAddresses = { rtmp: [], http: [], api: [] };
  #sampler: NodeJS.Timeout | undefined;
  #summary: Summary | undefined;
  #closing: Promise<void> | undefined;

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#admission = new Admission(() => this.#config.maxConnections);
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
      config: () => this.#config,
      findVhost: (host: string) => findVhost(this.#config, host),
      settings: (vhost: VhostConfig) => this.#liveSettings(vhost),
      nameProblem: (vhost: VhostConfig, app: string, stream: string) =>
        vhost.hls.enabled || vhost.hds.enabled || vhost.dvr.enabled ? namesProblem(app, stream) : undefined,
    };
    this.#rtmp = new RtmpServer(context);
    this.#httpLive = new HttpLiveDoor(context);
    this.#hls = new HlsDoor({ ...context, source: this.#sinks.hls });
  }

  get config(): Config {
    return this.#config;
  }

  get addresses(): ServerAddresses {
    return this.#addresses;
  }

  /** The streams that are published or played now. */
  get streams(): LiveHub {
    return this.#hub;
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
      const rtmp: ListenAddress[] = [];
      for (const address of this.#config.listen) rtmp.push(await this.#listenRtmp(address));
      const http = await this.#listenHttp(rtmp);
      this.#addresses = { rtmp, ...http };
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#sinks.start();
    this.#ingests.apply(this.#config, this.#addresses.rtmp[0]?.port ?? 1935);
    this.#sampler = setInterval(() => {
      this.#sessions.sample();
    }, SAMPLE_INTERVAL_MS);
    this.#sampler.unref();
    this.#summary = new Summary(this.#sessions, this.#hub, this.#log, this.#config.pithyPrintMs);
  }

  /** Stops to listen, ends every connection and waits until all are gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#sampler);
    this.#summary?.stop();
    // Publishers go first, so that players get what was published last.
    await this.#ingests.close();
    await this.#rtmp.close();
    this.#httpLive.close();
    this.#hls.close();
    await this.#sinks.close();
    await Promise.all(this.#http.map((server) => server.close()));
  }

  async #listenRtmp(address: ListenAddress): Promise<ListenAddress> {
    try {
      return await this.#rtmp.listen(address);
    } catch (error) {
      throw listenError('RTMP', 'listen', address, error);
    }
  }

  async #listenHttp(rtmp: readonly ListenAddress[]): Promise<Pick<ServerAddresses, 'http' | 'api'>> {
    const { httpApi, httpServer } = this.#config;
    const source = createApiSource({
      version: this.version,
      serverId: serverId(rtmp),
      serviceId: randomBytes(4).toString('hex'),
      hub: this.#hub,
      sessions: this.#sessions,
      faults: (streamKey) => this.#sinks.faults(streamKey),
    });
    const { dvr: dvrs } = this.#sinks;
    const common = {
      version: this.version,
      admission: this.#admission,
      onError: (error: Error) => {
        this.#log.error(error, 'HTTP');
      },
      onConnectionEnd: (end: HttpConnectionEnd) => {
        // A player's connection has its own closing line.
        if (end.reason !== 'live') this.#log.debug(httpEndLine(end));
      },
    };
    const shared = httpApi.enabled && httpServer.enabled && sameAddresses(httpApi.listen, httpServer.listen);
    let http: readonly ListenAddress[] = [];
    let api: readonly ListenAddress[] = [];
    if (httpServer.enabled) {
      const server = await createHttpServer({
        ...common,
        routes: [apiRoutes({ source, dvrs, scope: shared ? 'all' : 'public' })],
        virtualFiles: this.#hls,
        fileDoor: new VodDoor({ below: new VodHls() }),
        live: this.#httpLive,
        staticMounts: this.#staticMounts(),
        root: httpServer.dir,
        playerPage: this.#playerPage(rtmp),
      });
      http = await this.#listenOn(server, 'http_server.listen', httpServer.listen);
    }
    if (shared) {
      api = http;
    } else if (httpApi.enabled) {
      const { crossdomain } = httpApi;
      const server = await createHttpServer({
        ...common,
        routes: [apiRoutes({ source, dvrs })],
        crossdomain,
      });
      api = await this.#listenOn(server, 'http_api.listen', httpApi.listen);
    }
    return { http, api };
  }

  async #listenOn(
    server: HttpServer,
    directive: string,
    addresses: readonly ListenAddress[],
  ): Promise<readonly ListenAddress[]> {
    this.#http.push(server);
    try {
      await server.listen(addresses);
    } catch (error) {
      throw listenError('HTTP', directive, addresses[0] ?? { port: 0 }, error);
    }
    return addresses.map((address, index) => {
      const port = server.addresses[index]?.port ?? address.port;
      return address.host === undefined ? { port } : { host: address.host, port };
    });
  }

  #staticMounts(): { vhost: string; mount: string; dir: string }[] {
    const mounts = [];
    for (const { name, enabled, httpStatic } of this.#config.vhosts.values()) {
      if (enabled && httpStatic.enabled)
        mounts.push({ vhost: name, mount: httpStatic.mount, dir: httpStatic.dir });
    }
    return mounts;
  }

  #playerPage(rtmp: readonly ListenAddress[]): PlayerPageFacts {
    const vhost = findVhost(this.#config, '__defaultVhost__');
    return {
      version: this.version,
      rtmpPort: rtmp[0]?.port ?? 1935,
      ...(vhost === undefined ? {} : pageMounts(vhost, this.#config.httpServer.dir)),
    };
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

function listenError(what: string, directive: string, address: ListenAddress, error: unknown): StartError {
  const where = formatListenAddress(address);
  const code = systemCode(error);
  const cause = { cause: error };
  if (code === 'EADDRINUSE') {
    const remedy = `stop the other program or change \`${directive}\``;
    return new StartError('listen-failed', `${what} port ${where} is in use: ${remedy}`, cause);
  }
  if (code === 'EACCES') {
    const remedy = `run with the right to open it, or change \`${directive}\``;
    return new StartError('listen-failed', `${what} port ${where} may not be opened: ${remedy}`, cause);
  }
  const text = error instanceof Error ? error.message : String(error);
  return new StartError(
    'listen-failed',
    `${what} can't listen on ${where} (\`${directive}\`): ${text}`,
    cause,
  );
}

/** The system's error code, also from below a wrapping error. */
function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('syscall' in at && 'code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}

function httpEndLine(end: HttpConnectionEnd): string {
  const { reason, remoteAddress, requests, durationMs, bytesReceived, bytesSent } = end;
  const seconds = (durationMs / 1000).toFixed(1);
  return (
    `http closed: ${reason}, ${plainAddress(remoteAddress)}, ${requests} requests, ${seconds} s, ` +
    `in ${bytesReceived} B, out ${bytesSent} B`
  );
}

/** Port 0 is any free one, and so never the same. */
function sameAddresses(left: readonly ListenAddress[], right: readonly ListenAddress[]): boolean {
  if (left.some((address) => address.port === 0)) return false;
  return left.map(formatListenAddress).join(' ') === right.map(formatListenAddress).join(' ');
}

/** The same machine and ports give the same id. */
function serverId(rtmp: readonly ListenAddress[]): string {
  const name = [hostname(), ...rtmp.map(formatListenAddress)].join(' ');
  return `vid-${createHash('sha1').update(name).digest('hex').slice(0, 7)}`;
}
