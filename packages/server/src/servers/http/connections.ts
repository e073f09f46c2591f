import type { Socket } from 'node:net';

import { plainAddress } from '../../log/index.ts';
import { type AdmissionRefusal, descriptorOf } from '../../stats/index.ts';

/** Counts connections against `max_connections`; shared with the other doors of the server. */
export interface ConnectionAdmission {
  /**
   * Why the connection is not taken; undefined counts it, until `release` with the same address.
   *
   * @param descriptor - of the accepted socket; undefined where it is not known
   */
  admit(ip: string, descriptor?: number): AdmissionRefusal | undefined;
  release(ip: string): void;
  /** The system has refused a descriptor for a client. */
  refusedBySystem(): void;
}

/**
 * Why an HTTP connection ended:
 * - `closed`: by the peer, or by us after its last response or an idle time.
 * - `live`: it carried a live stream or a WebSocket; the live room knows more.
 * - `full`: refused by `max_connections`, by what its address may have, or for want of descriptors.
 * - `bad-request`, `header-overflow`, `request-timeout`: answered 400, 431, 408.
 * - `tls-failed`: its TLS handshake came to no good end.
 * - `request-after-live`: the peer sent a second request after one for a live stream.
 * - `shutdown`: the server closed while it was open.
 */
export type HttpCloseReason =
  | 'closed'
  | 'live'
  | 'full'
  | 'bad-request'
  | 'header-overflow'
  | 'request-timeout'
  | 'tls-failed'
  | 'request-after-live'
  | 'shutdown';

/** The facts of a connection at its end, for the one closing log line. */
export interface HttpConnectionEnd {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly durationMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly requests: number;
  readonly reason: HttpCloseReason;
}

interface OpenConnection {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly openedAt: number;
  state: 'http' | 'refused' | 'live';
  requests: number;
  responding: number;
  reason: HttpCloseReason;
}

/** Every open connection of the HTTP server: who has it, how it ends. */
export class HttpConnections {
  readonly #open = new Map<Socket, OpenConnection>();
  readonly #admission: ConnectionAdmission | undefined;
  readonly #onEnd: ((end: HttpConnectionEnd) => void) | undefined;

  constructor(
    admission: ConnectionAdmission | undefined,
    onEnd: ((end: HttpConnectionEnd) => void) | undefined,
  ) {
    this.#admission = admission;
    this.#onEnd = onEnd;
  }

  /**
   * Takes a fresh connection in. Where the server is full no request of it will be answered: `refused` may be told so,
   * `destroyed` was closed at once, for want of descriptors.
   */
  open(socket: Socket): 'admitted' | 'refused' | 'destroyed' {
    const remoteAddress = socket.remoteAddress ?? '';
    const ip = plainAddress(remoteAddress);
    const refusal = this.#admission?.admit(ip, descriptorOf(socket));
    const admitted = refusal === undefined;
    const connection: OpenConnection = {
      socket,
      remoteAddress,
      remotePort: socket.remotePort ?? 0,
      openedAt: performance.now(),
      state: admitted ? 'http' : 'refused',
      requests: 0,
      responding: 0,
      reason: admitted ? 'closed' : 'full',
    };
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (admitted) {
        this.#admission?.release(ip);
      }
      this.#onEnd?.({
        remoteAddress: connection.remoteAddress,
        remotePort: connection.remotePort,
        durationMs: performance.now() - connection.openedAt,
        bytesReceived: socket.bytesRead,
        bytesSent: socket.bytesWritten,
        requests: connection.requests,
        reason: connection.reason,
      });
    });
    if (refusal === 'too-few-descriptors') {
      socket.destroy();
      return 'destroyed';
    }
    return admitted ? 'admitted' : 'refused';
  }

  /** A listener could not accept a connection. */
  refusedBySystem(): void {
    this.#admission?.refusedBySystem();
  }

  /**
   * Whether a request that came on the socket may be answered. A second request after one for a live stream
   * may not: its response would land in the middle of the stream; the connection is ended.
   */
  beginRequest(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    if (connection?.state === 'http') {
      connection.requests += 1;
      connection.responding += 1;
      return true;
    }
    if (connection?.state === 'live') {
      connection.reason = 'request-after-live';
      socket.destroy();
    }
    return false;
  }

  /** A response is out, or given up. */
  endRequest(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) {
      connection.responding -= 1;
    }
  }

  /** Ends a connection that nothing is asked on now: it was kept for a next request, which may not come here. */
  endIdle(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection?.state === 'http' && connection.responding === 0) socket.end();
  }

  /** Marks the socket as the live room's. */
  giveToLive(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) {
      connection.state = 'live';
      connection.reason = 'live';
    }
  }

  /** Whether nothing but the server's own error answer would be written to the socket now. */
  mayWriteError(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    return connection?.state === 'http' && connection.responding === 0 && socket.writable;
  }

  /** Notes the reason that the closing line will give. */
  note(socket: Socket, reason: HttpCloseReason): void {
    const connection = this.#open.get(socket);
    if (connection?.state === 'http') {
      connection.reason = reason;
    }
  }

  /** Ends every connection at once. */
  destroyAll(): void {
    for (const connection of this.#open.values()) {
      connection.reason = 'shutdown';
      connection.socket.destroy();
    }
  }

  /** Resolves as soon as no connection is open. */
  async drained(): Promise<void> {
    await Promise.all(
      Array.from(this.#open.keys(), (socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
  }
}
