import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createNetServer, Socket } from 'node:net';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import { background } from '../../background.ts';
import type { ListenAddress } from '../../config/types.ts';
import { isOutOfDescriptors } from '../../stats/index.ts';
import { HttpConnections } from './connections.ts';
import type { ConnectionAdmission, HttpCloseReason, HttpConnectionEnd } from './connections.ts';
import { HttpServerError } from './errors.ts';
import type { FileDoor } from './file-door.ts';
import type { FileGuard } from './file-guard.ts';
import type { FilePlaces } from './file-places.ts';
import { DEFAULT_HTTP_LIMITS } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import type { LiveDoor } from './live-door.ts';
import { LiveRequests } from './live-requests.ts';
import type { PlayerPageFacts } from './player-page.ts';
import { NO_TRUSTED_PEERS, type TrustedPeers, useForwardedHost } from './peers.ts';
import { answerAndClose } from './raw-response.ts';
import { encodedTarget } from './request-target.ts';
import { buildRoutes } from './routes.ts';
import { compileStaticMounts } from './static-mounts.ts';
import type { StaticMount } from './static-mounts.ts';
import type { VirtualFiles } from './virtual-files.ts';

/** Connections that the system holds until they are accepted, as on the RTMP door. */
const BACKLOG = 4096;

/** How an HTTP server is made; `http_server` and `http_api` are two of them. */
export interface HttpServerOptions {
  /** Our own version, for the `Server` header. */
  readonly version: string;
  /** Explicit routes, which go before everything else. Default none. */
  readonly routes?: readonly FastifyPluginCallback[];
  /** Files that are there without a disk (HLS in memory). Default none. */
  readonly virtualFiles?: VirtualFiles;
  /** Decides who gets which file of the directories. Default: everyone gets all of them. */
  readonly fileGuard?: FileGuard | undefined;
  /** Other ways to send files of the directories than as they are. Default none. */
  readonly fileDoor?: FileDoor;
  /** The live streams. Default none. */
  readonly live?: LiveDoor;
  /** Directories of vhosts (`http_static`). Default none. */
  readonly staticMounts?: readonly StaticMount[];
  /** Directory for every path that no mount has. It need not exist. Default none. */
  readonly root?: string;
  /** Serves the built-in page where the directories have nothing. Default off. */
  readonly playerPage?: PlayerPageFacts;
  /** CORS headers on every answer, and OPTIONS answered 200; without it OPTIONS is answered 405. Default true. */
  readonly crossdomain?: boolean;
  /** Asked at each request. Default: nobody's `X-Forwarded-*` counts. */
  readonly trustedPeers?: TrustedPeers;
  /** Default: every connection is admitted. */
  readonly admission?: ConnectionAdmission;
  /** Asked before a file is opened for a client. Default: there is a place for each. */
  readonly filePlaces?: FilePlaces;
  /** Each field has its default in {@link DEFAULT_HTTP_LIMITS}. */
  readonly limits?: Partial<HttpLimits>;
  /** Told of every connection once, at its end. */
  readonly onConnectionEnd?: (end: HttpConnectionEnd) => void;
  /** Told of what is our own fault: the error behind each answer of 500 and more. */
  readonly onError?: (error: Error) => void;
}

/** Makes TLS of the sockets that a listener accepts. */
export interface TlsLayer {
  /**
   * The server's side of TLS; undefined when there can be none, and the accepted socket is destroyed then.
   *
   * @param onSecure - told when the handshake is done
   */
  secure(accepted: Socket, onSecure: (socket: Socket) => void): Socket | undefined;
}

/** A running HTTP server with any number of addresses. */
export interface HttpServer {
  /** Where it listens, in the order of `listen`, with the ports that port 0 became. */
  readonly addresses: readonly AddressInfo[];
  /**
   * Listens on more addresses, on all or on none of them. Throws {@link HttpServerError} `listen-failed`.
   *
   * @param tls - makes them addresses of HTTPS
   */
  listen(addresses: readonly ListenAddress[], tls?: TlsLayer): Promise<void>;
  /**
   * Stops listening on one address; requests under way and players stay. Its connections end with the answer that
   * they wait for, and at once when they wait for none.
   *
   * @param bound - with the host that was asked for and the port that port 0 became
   */
  unlisten(bound: ListenAddress): void;
  /**
   * Builds the request handling of other options, all but `live`, `limits` and what is told of connections. What it
   * resolves to puts it in place: for the next request, while those under way and all players go on. Throws
   * {@link HttpServerError} for mounts that clash.
   */
  prepare(options: HttpServerOptions): Promise<() => void>;
  /**
   * Stops listening, lets the requests under way end for `graceMs` (default 1,000; players never end by
   * themselves: end them first), then ends every connection.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Makes an HTTP server that does not listen yet. Throws {@link HttpServerError} for mounts that clash. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const serverName = `Sluice/${options.version}`;
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const peers = options.trustedPeers ?? NO_TRUSTED_PEERS;
  const connections = new HttpConnections(options.admission, options.onConnectionEnd);
  const live = new LiveRequests({ door: options.live, connections, limits, serverName, peers });
  const app = await buildApp(options, { limits, live, serverName, peers });
  return new NodeHttpServer({ app, connections, limits, live, serverName, peers, onError: options.onError });
}

async function buildApp(
  options: HttpServerOptions,
  { limits, live, serverName, peers }: Pick<Parts, 'limits' | 'live' | 'serverName' | 'peers'>,
): Promise<FastifyInstance> {
  return buildRoutes({
    serverName,
    limits,
    live,
    peers,
    crossdomain: options.crossdomain ?? true,
    routes: options.routes ?? [],
    virtualFiles: options.virtualFiles,
    fileGuard: options.fileGuard,
    fileDoor: options.fileDoor,
    filePlaces: options.filePlaces,
    staticMounts: compileStaticMounts(options.staticMounts ?? []),
    root: options.root,
    playerPage: options.playerPage,
    onError: options.onError,
  });
}

interface Parts {
  readonly app: FastifyInstance;
  readonly connections: HttpConnections;
  readonly limits: HttpLimits;
  readonly live: LiveRequests;
  readonly serverName: string;
  readonly peers: TrustedPeers;
  readonly onError: ((error: Error) => void) | undefined;
}

/** Whether an address still takes connections: those that have come by it live no longer than it. */
interface ListenerState {
  isOpen: boolean;
  /** Answers that are under way. */
  readonly answers: Set<ServerResponse>;
}

interface Listener {
  readonly state: ListenerState;
  /** What has the address. */
  readonly server: NetServer;
  /** What reads the requests: the same one, unless TLS is in between. */
  readonly http: Server;
  /** As it was asked for. */
  readonly host: string | undefined;
}

class NodeHttpServer implements HttpServer {
  #parts: Parts;
  readonly #listeners: Listener[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get addresses(): readonly AddressInfo[] {
    return this.#listeners
      .map(({ server }) => server.address())
      .filter((address): address is AddressInfo => typeof address === 'object' && address !== null);
  }

  async listen(addresses: readonly ListenAddress[], tls?: TlsLayer): Promise<void> {
    const started: Listener[] = [];
    try {
      for (const address of addresses) {
        const state: ListenerState = { isOpen: true, answers: new Set() };
        const http = this.#createServer(state);
        const server = tls === undefined ? this.#plain(http) : this.#behindTls(http, tls);
        await listenOn(server, address);
        server.on('error', (error) => {
          if (isOutOfDescriptors(error)) this.#parts.connections.refusedBySystem();
          else this.#parts.onError?.(error);
        });
        started.push({ state, server, http, host: address.host });
      }
    } catch (error) {
      await Promise.all(started.map(stopListening));
      throw error;
    }
    this.#listeners.push(...started);
  }

  unlisten({ host, port }: ListenAddress): void {
    const index = this.#listeners.findIndex(
      (listener) => listener.host === host && portOf(listener.server) === port,
    );
    const [listener] = index < 0 ? [] : this.#listeners.splice(index, 1);
    if (listener !== undefined) background('closing a listener', stopListening(listener));
  }

  async prepare(options: HttpServerOptions): Promise<() => void> {
    const app = await buildApp(options, this.#parts);
    return () => {
      const before = this.#parts.app;
      this.#parts = { ...this.#parts, app };
      // Fastify answers 503 from then on to who comes too late, and nobody does.
      background('closing the former routes', before.close());
    };
  }

  async close({ graceMs = 1_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    const { app, connections } = this.#parts;
    const stopped = Promise.all(this.#listeners.map(stopListening));
    const timer = setTimeout(() => {
      connections.destroyAll();
    }, graceMs);
    await Promise.all([stopped, connections.drained()]);
    clearTimeout(timer);
    await app.close();
  }

  #createServer(state: ListenerState): Server {
    const { live, limits } = this.#parts;
    const server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
      noDelay: true,
    });
    // A client that has nothing more to say still wants its answer. Node's types don't know the property.
    Object.assign(server, { httpAllowHalfOpen: true });
    // Counts while nothing moves in either direction; a live stream's socket has limits of its own.
    server.setTimeout(limits.stallTimeoutMs);
    server.on('request', (request, response) => {
      this.#onRequest(request, response, state);
    });
    server.on('upgrade', (request, _socket, head) => {
      useForwardedHost(request, this.#parts.peers);
      live.onUpgrade(server, request, head);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      this.#onClientError(error, socket);
    });
    return server;
  }

  #plain(http: Server): NetServer {
    http.on('connection', (socket: Socket) => {
      const { connections, serverName } = this.#parts;
      if (connections.open(socket) === 'refused') answerAndClose(socket, 503, serverName);
    });
    return http;
  }

  /** A connection counts from its first byte on; the HTTP server gets it when the handshake is done. */
  #behindTls(http: Server, tls: TlsLayer): NetServer {
    const server = createNetServer({ noDelay: true });
    server.on('connection', (accepted) => {
      const { connections } = this.#parts;
      let isSecure = false;
      const socket = tls.secure(accepted, (secured) => {
        isSecure = true;
        http.emit('connection', secured);
      });
      if (socket === undefined) return;
      socket.on('error', () => {
        if (!isSecure) connections.note(socket, 'tls-failed');
      });
      // Nobody would wait for a handshake only to be refused.
      if (connections.open(socket) !== 'admitted') socket.destroy();
    });
    // The time limits of requests are looked after from then on.
    http.emit('listening');
    return server;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, state: ListenerState): void {
    const { app, connections, limits, peers, serverName } = this.#parts;
    const { socket } = request;
    useForwardedHost(request, peers);
    if (!connections.beginRequest(socket)) {
      return;
    }
    state.answers.add(response);
    if (!state.isOpen) response.shouldKeepAlive = false;
    response.once('close', () => {
      state.answers.delete(response);
      connections.endRequest(socket);
      // Its head may have promised to keep the connection.
      if (!state.isOpen) connections.endIdle(socket);
    });
    if ((request.url ?? '').length > limits.maxUrlBytes) {
      connections.note(socket, 'bad-request');
      response.writeHead(414, {
        Server: serverName,
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': 'URI Too Long'.length,
        Connection: 'close',
      });
      response.end('URI Too Long');
      return;
    }
    app.routing(request, response);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const { connections, serverName } = this.#parts;
    if (!(socket instanceof Socket) || !connections.mayWriteError(socket) || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const location = redirectOf(error);
    if (location !== undefined) {
      answerAndClose(socket, 307, serverName, location);
      return;
    }
    const [status, reason] = clientErrorAnswer(error.code);
    connections.note(socket, reason);
    answerAndClose(socket, status, serverName);
  }
}

/** A name that the client has not encoded is sent back encoded, rather than refused. */
function redirectOf(error: NodeJS.ErrnoException): string | undefined {
  const packet = error.code === 'HPE_INVALID_URL' && 'rawPacket' in error ? error.rawPacket : undefined;
  return packet instanceof Uint8Array ? encodedTarget(packet) : undefined;
}

function clientErrorAnswer(code: string | undefined): readonly [status: number, reason: HttpCloseReason] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'header-overflow'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'request-timeout'];
    default:
      return [400, 'bad-request'];
  }
}

function portOf(server: NetServer): number | undefined {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
}

async function listenOn(server: NetServer, address: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const where = `${address.host ?? '*'}:${address.port}`;
      const why = error.code === 'EADDRINUSE' ? 'the address is in use' : error.message;
      reject(new HttpServerError('listen-failed', `cannot listen on ${where}: ${why}`, { cause: error }));
    };
    server.once('error', onError);
    server.listen({ ...address, backlog: BACKLOG }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

async function stopListening({ state, server, http }: Listener): Promise<void> {
  state.isOpen = false;
  for (const answer of state.answers) answer.shouldKeepAlive = false;
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    if (server !== http) http.close();
    http.closeIdleConnections();
  });
}
