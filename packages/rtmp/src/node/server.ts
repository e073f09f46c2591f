import { createServer as createTcpServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TlsOptions } from 'node:tls';
import { lingerMs, RtmpServerConnection } from './server-connection.ts';
import { rtmpServerSettings } from './server-options.ts';
import type { RtmpServerHandlers } from './server-connection.ts';
import type { RtmpListenOptions, RtmpServerConfiguration, RtmpServerSettings } from './server-options.ts';

/** How often the time limits of all connections are checked, ms. A limit is exceeded by this at most. */
const checkIntervalMs = 500;
/** A client that vanished without a close is noticed by TCP keep-alive, which begins after this time, ms. */
const keepAliveMs = 30_000;

/** Options of {@link createRtmpServer}; all have defaults. */
export interface RtmpServerOptions extends RtmpServerHandlers, RtmpServerConfiguration {}

/**
 * Makes an RTMP server. It keeps no streams: the handlers decide who may publish and play, and send the messages of
 * publishers to players. Call `listen()` next.
 */
export function createRtmpServer(options: RtmpServerOptions = {}): RtmpServer {
  return new RtmpServer(options);
}

/** An RTMP and RTMPS server for programs. Made by {@link createRtmpServer}. */
export class RtmpServer {
  readonly #options: RtmpServerOptions;
  readonly #settings: RtmpServerSettings;
  readonly #listeners = new Set<Server>();
  readonly #connections = new Set<RtmpServerConnection>();
  /** The TCP sockets below TLS. */
  readonly #tlsTransports = new Set<Socket>();
  readonly #countByAddress = new Map<string, number>();
  #count = 0;
  #rejected = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: RtmpServerOptions = {}) {
    this.#options = options;
    this.#settings = rtmpServerSettings(options);
  }

  /** The connections of this moment. */
  get connections(): ReadonlySet<RtmpServerConnection> {
    return this.#connections;
  }

  /** Connections that were closed as they came, because of `maxConnections` or `maxConnectionsPerAddress`. */
  get rejectedConnections(): number {
    return this.#rejected;
  }

  /**
   * Listens on one more address.
   *
   * @returns the port: that of the options, or the one that the system chose
   * @throws the system's error, such as EADDRINUSE
   */
  async listen(options: RtmpListenOptions = {}): Promise<number> {
    if (this.#closed) {
      throw new Error('the server is closed');
    }
    const { host, tls, port = tls === undefined ? 1935 : 443 } = options;
    const listener = createTcpServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs });
    const secure = tls === undefined ? undefined : this.#makeTlsServer(tls);
    listener.on('connection', (socket) => {
      this.#admit(socket, secure);
    });
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        listener.off('error', reject);
        resolve();
      });
    });
    listener.on('error', (error) => this.#options.onListenError?.(error));
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      this.#checkTimeouts();
    }, checkIntervalMs);
    const address = listener.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /**
   * Stops listening and ends every connection with the reason `server-closed`, publishers first. Fulfilled when all
   * are closed, which takes two seconds at most. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const listener of this.#listeners) {
      listener.close();
    }
    this.#listeners.clear();
    const connections = [...this.#connections];
    for (const connection of connections.filter(({ publisher }) => publisher !== undefined)) {
      connection.shutDown();
    }
    for (const connection of connections) {
      connection.shutDown();
    }
    if (this.#count > 0) {
      // Connections have this limit of their own; this is for those still in the TLS handshake.
      const timer = setTimeout(() => {
        for (const socket of this.#tlsTransports) {
          socket.destroy();
        }
      }, lingerMs);
      await new Promise<void>((resolve) => {
        const previous = this.#onIdle;
        this.#onIdle = () => {
          previous?.();
          resolve();
        };
      });
      clearTimeout(timer);
    }
  }

  /** The limits hold for every TCP connection, before any of its bytes is read. */
  #admit(socket: Socket, secure: Server | undefined): void {
    const address = socket.remoteAddress ?? '';
    const ofAddress = this.#countByAddress.get(address) ?? 0;
    const { maxConnections, maxConnectionsPerAddress } = this.#settings;
    if (this.#closed || this.#count >= maxConnections || ofAddress >= maxConnectionsPerAddress) {
      this.#rejected += 1;
      socket.destroy();
      return;
    }
    this.#count += 1;
    this.#countByAddress.set(address, ofAddress + 1);
    if (secure === undefined) {
      this.#serve(socket, false, address);
      return;
    }
    this.#tlsTransports.add(socket);
    socket.on('close', () => {
      this.#tlsTransports.delete(socket);
      this.#release(address);
    });
    secure.emit('connection', socket);
  }

  #makeTlsServer(tls: TlsOptions): Server {
    const server = createTlsServer({ handshakeTimeout: this.#settings.handshakeTimeoutMs, ...tls });
    server.on('secureConnection', (socket) => {
      if (this.#closed) {
        socket.destroy();
      } else {
        this.#serve(socket, true);
      }
    });
    // The socket is destroyed by node:tls; its place is released when it closes.
    server.on('tlsClientError', () => undefined);
    return server;
  }

  /** @param address - whose place is released at the end; of a TLS socket the one below it releases it */
  #serve(socket: Socket, secure: boolean, address?: string): void {
    const connection = new RtmpServerConnection(socket, secure, this.#options, this.#settings, (closed) => {
      this.#connections.delete(closed);
      if (address !== undefined) {
        this.#release(address);
      }
    });
    this.#connections.add(connection);
  }

  #release(address: string): void {
    this.#count -= 1;
    const left = (this.#countByAddress.get(address) ?? 1) - 1;
    if (left > 0) {
      this.#countByAddress.set(address, left);
    } else {
      this.#countByAddress.delete(address);
    }
    if (this.#count === 0) {
      this.#onIdle?.();
      this.#onIdle = undefined;
    }
  }

  #checkTimeouts(): void {
    const now = performance.now();
    for (const connection of this.#connections) {
      connection.checkTimeouts(now);
    }
  }
}
