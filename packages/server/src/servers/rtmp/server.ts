import { createServer, type Server, type Socket } from 'node:net';

import type { ListenAddress } from '../../config/index.ts';
import { plainAddress } from '../../log/index.ts';
import {
  type AdmissionRefusal,
  descriptorOf,
  type EndReason,
  isOutOfDescriptors,
} from '../../stats/index.ts';
import { RtmpConnection } from './connection.ts';
import type { RtmpContext } from './context.ts';
import { RefusalPlaces } from './refusal-places.ts';
import { SWEEP_INTERVAL_MS } from './timeouts.ts';

/**
 * Connections that the system holds until they are accepted: at least 512 (R002), and enough for thousands that
 * come at once. The system may allow fewer (net.core.somaxconn).
 */
const BACKLOG = 4096;
const KEEP_ALIVE_MS = 30_000;

/** Makes TLS of the sockets that a listener accepts. */
export interface TlsLayer {
  /** The server's side of TLS; undefined when there can be none, and the accepted socket is destroyed then. */
  secure(accepted: Socket): Socket | undefined;
}

interface Listener {
  readonly server: Server;
  readonly host: string | undefined;
  /** The port that port 0 became. */
  readonly port: number;
}

/** A fresh connection. */
interface Accepted {
  readonly accepted: Socket;
  readonly tls: TlsLayer | undefined;
  readonly ip: string;
  /** Why it was not admitted; undefined when it was, and has a place to give back. */
  readonly refusal: AdmissionRefusal | undefined;
}

/** Listens for RTMP on any number of addresses. */
export class RtmpServer {
  readonly #context: RtmpContext;
  readonly #servers: Listener[] = [];
  readonly #connections = new Set<RtmpConnection>();
  readonly #refusalPlaces = new RefusalPlaces();
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(context: RtmpContext) {
    this.#context = context;
  }

  /**
   * Listens on one more address.
   *
   * @param tls - makes it one of RTMPS
   * @returns the address listened on; with port 0 the system has chosen the port
   * @throws the system's error, e.g. EADDRINUSE
   */
  async listen(address: ListenAddress, tls?: TlsLayer): Promise<ListenAddress> {
    // Nagle's algorithm is off: all writes are merged here already, and a held-back last segment would only
    // delay what players see first.
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    server.on('connection', (accepted) => {
      const ip = plainAddress(accepted.remoteAddress);
      const refusal = this.#context.clients.admit(ip, descriptorOf(accepted));
      // No handshake of TLS for a client that is closed at once.
      if (refusal === 'too-few-descriptors') accepted.destroy();
      else this.#accept({ accepted, tls, ip, refusal });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => {
      if (isOutOfDescriptors(error)) this.#context.clients.refusedBySystem();
      else this.#context.log.error(error, 'RTMP listener');
    });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    this.#servers.push({ server, host: address.host, port });
    this.#sweeper ??= setInterval(() => {
      this.#sweep();
    }, SWEEP_INTERVAL_MS);
    return address.host === undefined ? { port } : { host: address.host, port };
  }

  /**
   * Stops to listen on one address; its clients stay.
   *
   * @param bound - as {@link listen} has answered it
   */
  unlisten(bound: ListenAddress): void {
    const index = this.#servers.findIndex(({ host, port }) => host === bound.host && port === bound.port);
    if (index >= 0) this.#servers.splice(index, 1)[0]?.server.close();
  }

  /** Stops to listen. Clients are ended by the {@link ClientRegistry} that has them. */
  close(): void {
    this.#isClosed = true;
    for (const { server } of this.#servers.splice(0)) server.close();
    if (this.#connections.size === 0) this.#stopSweeper();
  }

  #accept({ accepted, tls, ip, refusal }: Accepted): void {
    const { clients } = this.#context;
    const socket = tls === undefined ? accepted : tls.secure(accepted);
    if (socket === undefined) {
      if (refusal === undefined) clients.release(ip);
    } else if (refusal !== undefined) {
      this.#refuse(socket, refusal);
    } else {
      this.#serve(socket, () => {
        clients.release(ip);
      });
    }
  }

  /** @param refusal - why the client is refused as soon as it connects */
  #serve(socket: Socket, release: () => void, refusal?: EndReason): void {
    const onEnded = (ended: RtmpConnection): void => {
      this.#connections.delete(ended);
      if (this.#isClosed && this.#connections.size === 0) this.#stopSweeper();
    };
    this.#connections.add(new RtmpConnection(socket, this.#context, { release, refusal, onEnded }));
  }

  /** A client for whom there is no place is told so, within limits. One whose address has too many is not answered. */
  #refuse(socket: Socket, refusal: AdmissionRefusal): void {
    if (refusal === 'too-many-connections' && this.#refusalPlaces.take(performance.now())) {
      this.#serve(
        socket,
        () => {
          this.#refusalPlaces.release();
        },
        refusal,
      );
      return;
    }
    socket.destroy();
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.check(now);
  }

  #stopSweeper(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
