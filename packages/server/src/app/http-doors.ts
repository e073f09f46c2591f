import { hostname } from 'node:os';

import type { FastifyPluginCallback } from 'fastify';

import {
  type ApiControl,
  type ApiDenial,
  type ApiSource,
  apiRoutes,
  type DvrControl,
  guardRoutes,
  type TurnBudget,
} from '../api/index.ts';
import type { ClientRegistry } from '../clients/index.ts';
import {
  type Config,
  DEFAULT_VHOST,
  distinctAddresses,
  findVhost,
  formatListenAddress,
  type ListenAddress,
} from '../config/index.ts';
import { type Log, plainAddress } from '../log/index.ts';
import { metricsRoutes, type ServerMetrics } from '../metrics/index.ts';
import {
  createHttpServer,
  type FileGuard,
  type HttpConnectionEnd,
  type HttpServer,
  HttpServerError,
  type HttpServerOptions,
  type LiveDoor,
  type PlayerPageFacts,
  type StaticMount,
  type TlsLayer,
  type TrustedPeers,
  type VirtualFiles,
} from '../servers/http/index.ts';
import { TrustedProxies } from '../security/index.ts';
import { VodDoor, VodHls } from '../servers/vod/index.ts';
import type { Admission } from '../stats/index.ts';
import type { ListenDoor, WantedAddresses } from './listeners.ts';
import { type PageMounts, pageMounts } from './page-mounts.ts';
import { StartError } from './start-error.ts';

/** What the HTTP servers are made of, besides the configuration. */
export interface HttpDoorsContext {
  readonly version: string;
  readonly log: Log;
  readonly admission: Admission;
  /** Counts the connections. */
  readonly clients: ClientRegistry;
  readonly source: ApiSource;
  readonly dvrs: DvrControl;
  readonly control: ApiControl;
  readonly metrics: ServerMetrics;
  /** What long pages of the API may take of the event loop, all together. */
  readonly budget: TurnBudget;
  config(): Config;
  readonly virtualFiles: VirtualFiles;
  readonly fileGuard: FileGuard;
  readonly live: LiveDoor;
  /** The port to publish to. */
  rtmpPort(): number;
  /** The port to publish to over TLS; undefined where there is none. */
  rtmpsPort(): number | undefined;
}

/** `http_server` and `http_api`. On the same addresses they are one server, which is `http_server`'s. */
export class HttpDoors {
  readonly server: HttpDoor;
  readonly api: HttpDoor;
  /** `exporter`: metrics on a port of their own, for who may not see the API. */
  readonly exporter: HttpDoor;

  constructor(context: HttpDoorsContext) {
    this.server = new HttpDoor('http_server.listen', (config) => serverOptions(config, context));
    this.api = new HttpDoor('http_api.listen', () => apiOptions(context));
    this.exporter = new HttpDoor('exporter.listen', () => exporterOptions(context));
  }

  /** Where they listen by a configuration. */
  wanted(config: Config): WantedAddresses[] {
    const { exporter, httpApi, httpServer } = config;
    return [
      { door: this.server, addresses: httpServer.enabled ? httpServer.listen : [] },
      { door: this.api, addresses: httpApi.enabled && !isShared(config) ? httpApi.listen : [] },
      { door: this.exporter, addresses: exporter.enabled ? exporter.listen : [] },
    ];
  }

  /** What answers for the API by a configuration. */
  apiDoor(config: Config): HttpDoor {
    return isShared(config) ? this.server : this.api;
  }

  /**
   * Makes what answers requests by a configuration; it answers once what this resolves to has been called.
   *
   * @throws StartError for mounts that clash
   */
  async prepare(config: Config): Promise<() => void> {
    const { httpApi, httpServer } = config;
    const key = keyOf(config);
    const swaps: (() => void)[] = [];
    try {
      if (httpServer.enabled) swaps.push(await this.server.prepare(config, key));
      if (httpApi.enabled && !isShared(config)) swaps.push(await this.api.prepare(config, key));
      if (config.exporter.enabled) swaps.push(await this.exporter.prepare(config, 'metrics'));
    } catch (error) {
      if (!(error instanceof HttpServerError)) throw error;
      throw new StartError('mounts-unusable', `http_static: ${error.message}`, { cause: error });
    }
    return () => {
      for (const swap of swaps) swap();
    };
  }

  /** Stops to listen, lets requests end and closes every connection. */
  async shutDown(): Promise<void> {
    await Promise.all([this.server.shutDown(), this.api.shutDown(), this.exporter.shutDown()]);
  }
}

/** One HTTP server. Once made, it stays, whether or not it listens. */
export class HttpDoor implements ListenDoor {
  readonly name = 'HTTP';
  readonly directive: string;
  readonly #options: (config: Config) => HttpServerOptions;
  #server: HttpServer | undefined;
  /** What the present answers are made of. */
  #key = '';

  constructor(directive: string, options: (config: Config) => HttpServerOptions) {
    this.directive = directive;
    this.#options = options;
  }

  /** @param key - another one whenever the answers may be others */
  async prepare(config: Config, key: string): Promise<() => void> {
    if (key === this.#key) return () => undefined;
    if (this.#server === undefined) {
      this.#server = await createHttpServer(this.#options(config));
      this.#key = key;
      return () => undefined;
    }
    const swap = await this.#server.prepare(this.#options(config));
    return () => {
      this.#key = key;
      swap();
    };
  }

  /** @param tls - makes it an address of HTTPS */
  async open(address: ListenAddress, tls?: TlsLayer): Promise<ListenAddress> {
    await this.#server?.listen([address], tls);
    const port = this.#server?.addresses.at(-1)?.port ?? address.port;
    return address.host === undefined ? { port } : { host: address.host, port };
  }

  close(bound: ListenAddress): void {
    this.#server?.unlisten(bound);
  }

  async shutDown(): Promise<void> {
    await this.#server?.close();
  }
}

function serverOptions(config: Config, context: HttpDoorsContext): HttpServerOptions {
  const { fileGuard, virtualFiles, live } = context;
  return {
    ...commonOptions(context),
    routes: isShared(config)
      ? ownApi(context, false)
      : [
          apiRoutes({
            source: context.source,
            scope: 'public',
            listStreams: config.httpServer.listStreams,
            budget: context.budget,
            settings: () => context.config().httpApi,
          }),
        ],
    virtualFiles,
    fileGuard,
    fileDoor: new VodDoor({ below: new VodHls() }),
    live,
    staticMounts: staticMounts(config),
    root: config.httpServer.dir,
    playerPage: playerPage(config, context),
  };
}

function apiOptions(context: HttpDoorsContext): HttpServerOptions {
  return { ...commonOptions(context), routes: ownApi(context, true), crossdomain: false };
}

function exporterOptions(context: HttpDoorsContext): HttpServerOptions {
  const routes = [metricsRoutes({ metrics: context.metrics })];
  return { ...commonOptions(context), routes, crossdomain: false };
}

/** The whole API, as its operators have it, and the metrics behind the same password. */
function ownApi(context: HttpDoorsContext, atRoot: boolean): FastifyPluginCallback[] {
  const { budget, source, dvrs, control, log, metrics } = context;
  const guard = {
    settings: () => context.config().httpApi,
    onDenied: ({ ip, reason }: ApiDenial) => {
      const plain = plainAddress(ip);
      log.warn({ ip: plain }, `API: ${reason} from ${plain}`);
    },
    isOwnName: (name: string) => name === machineName() || isVhostName(context.config(), name),
  };
  return [
    apiRoutes({ source, dvrs, control, atRoot, budget, ...guard }),
    metricsRoutes({
      metrics,
      guard: (app) => {
        guardRoutes(app, guard);
      },
    }),
  ];
}

/** The proxies of the configuration as it is now. */
function trustedPeers(config: () => Config): TrustedPeers {
  let ranges = config().trustedProxies;
  let proxies = new TrustedProxies(ranges);
  function current(): TrustedProxies {
    const now = config().trustedProxies;
    if (now !== ranges) {
      ranges = now;
      proxies = new TrustedProxies(now);
    }
    return proxies;
  }
  return {
    trusts: (address) => current().trusts(address),
    forwarded: (peer, headers) => current().forwarded(peer, headers),
  };
}

/** The name of a vhost is one of ours, but not the one that stands for all names. */
function isVhostName({ vhosts }: Config, name: string): boolean {
  if (name === DEFAULT_VHOST) return false;
  for (const vhost of vhosts.keys()) if (vhost.toLowerCase() === name) return true;
  return false;
}

function machineName(): string {
  return hostname().toLowerCase();
}

function commonOptions(context: HttpDoorsContext): HttpServerOptions {
  const { version, admission, clients, log } = context;
  return {
    version,
    admission: clients,
    filePlaces: admission,
    trustedPeers: trustedPeers(() => context.config()),
    onError: (error: Error) => {
      log.error(error, 'HTTP');
    },
    onConnectionEnd: (end: HttpConnectionEnd) => {
      // A player's connection has its own closing line.
      if (end.reason !== 'live') log.debug({ ip: plainAddress(end.remoteAddress) }, httpEndLine(end));
    },
  };
}

function staticMounts(config: Config): StaticMount[] {
  const mounts = [];
  for (const { name, enabled, httpStatic } of config.vhosts.values()) {
    if (enabled && httpStatic.enabled)
      mounts.push({ vhost: name, mount: httpStatic.mount, dir: httpStatic.dir });
  }
  return mounts;
}

function playerPage(config: Config, context: HttpDoorsContext): PlayerPageFacts {
  const { listStreams, publicUrl, rtmpPublicUrl } = config.httpServer;
  return {
    version: context.version,
    // Where the whole API is on this port, a password may be asked for, which the page does not have.
    listsStreams: isShared(config) ? !config.httpApi.auth.enabled : listStreams,
    ...(publicUrl === '' ? {} : { publicUrl }),
    ...(rtmpPublicUrl === '' ? {} : { rtmpPublicUrl }),
    // Known once the server listens.
    get rtmpPort() {
      return context.rtmpPort();
    },
    get rtmpsPort() {
      return context.rtmpsPort();
    },
    ...mountsOfPage(config),
  };
}

function mountsOfPage(config: Config): PageMounts {
  const vhosts = [...config.vhosts.values()].filter(({ enabled }) => enabled);
  const ofVhosts = vhosts.map((vhost) => pageMounts(vhost, config.httpServer.dir));
  const first = findVhost(config, DEFAULT_VHOST);
  // The last one counts: that of the default vhost, else of the first vhost that has one.
  return Object.assign(
    {},
    ...ofVhosts.reverse(),
    first === undefined ? {} : pageMounts(first, config.httpServer.dir),
  ) as PageMounts;
}

/** All that the answers may depend on: the root of the configuration, and what vhosts have beneath directories. */
function keyOf(config: Config): string {
  const { vhosts: _vhosts, inactive: _inactive, warnings: _warnings, ...root } = config;
  return JSON.stringify([root, staticMounts(config), mountsOfPage(config)]);
}

/** Port 0 is any free one, and so never the same. */
function isShared({ httpApi, httpServer }: Config): boolean {
  if (!httpApi.enabled || !httpServer.enabled) return false;
  if (httpApi.listen.some((address) => address.port === 0)) return false;
  const text = distinctAddresses(httpApi.listen).map(formatListenAddress).join(' ');
  return text === distinctAddresses(httpServer.listen).map(formatListenAddress).join(' ');
}

function httpEndLine(end: HttpConnectionEnd): string {
  const { reason, remoteAddress, requests, durationMs, bytesReceived, bytesSent } = end;
  const seconds = (durationMs / 1000).toFixed(1);
  return (
    `http closed: ${reason}, ${plainAddress(remoteAddress)}, ${requests} requests, ${seconds} s, ` +
    `in ${bytesReceived} B, out ${bytesSent} B`
  );
}
