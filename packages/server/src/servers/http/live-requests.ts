import { ServerResponse } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Exchange } from './answer-head.ts';
import type { HttpConnections } from './connections.ts';
import type { HttpLimits } from './limits.ts';
import type { LiveDoor, LiveMount } from './live-door.ts';
import { clientAddress, type TrustedPeers } from './peers.ts';
import { answerAndClose } from './raw-response.ts';
import { originForm, readRequestTarget } from './request-target.ts';
import type { RequestTarget } from './request-target.ts';

/** What {@link LiveRequests} needs. */
export interface LiveRequestsOptions {
  readonly door: LiveDoor | undefined;
  readonly connections: HttpConnections;
  readonly limits: HttpLimits;
  readonly serverName: string;
  readonly peers: TrustedPeers;
}

/** Hands players over to the live room: the plain ones out of fastify, the WebSocket ones after the handshake. */
export class LiveRequests {
  readonly #options: LiveRequestsOptions;
  readonly #webSockets: WebSocketServer;

  constructor(options: LiveRequestsOptions) {
    this.#options = options;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: options.limits.maxWebSocketMessageBytes,
    });
    this.#webSockets.on('headers', (headers) => {
      headers.push(`Server: ${options.serverName}`);
    });
  }

  /** The live stream that a GET or HEAD is for; undefined leaves it to the caller. */
  find(target: RequestTarget): LiveMount | undefined {
    return this.#options.door?.match(target);
  }

  /** Takes the player over, unless it is gone meanwhile. */
  serve({ request, response }: Exchange, target: RequestTarget, mount: LiveMount): void {
    if (request.socket.destroyed) {
      return;
    }
    if (response.socket === null) {
      // A pipelined request: its turn comes when the responses before it are out.
      response.once('socket', () => {
        this.#serveHttp(request, target, mount);
      });
    } else {
      this.#serveHttp(request, target, mount);
    }
  }

  /** The `upgrade` event of an HTTP server. The parser has left the socket. */
  onUpgrade(server: Server, incoming: IncomingMessage, head: Buffer): void {
    const { connections, door, limits, serverName } = this.#options;
    const { socket } = incoming;
    if (!connections.beginRequest(socket)) {
      return;
    }
    socket.on('error', () => {
      // The close that follows says all that there is to do.
    });
    if (incoming.headers.upgrade?.toLowerCase() !== 'websocket') {
      connections.endRequest(socket);
      answerWithoutUpgrade(server, incoming, socket);
      return;
    }
    const url = incoming.url ?? '/';
    const target =
      url.length > limits.maxUrlBytes ? undefined : readRequestTarget(originForm(url), incoming.headers.host);
    const mount = target === undefined ? undefined : door?.match(target);
    if (target === undefined || mount === undefined) {
      const status = url.length > limits.maxUrlBytes ? 414 : target === undefined ? 400 : 404;
      answerAndClose(socket, status, serverName);
      return;
    }
    this.#webSockets.handleUpgrade(incoming, socket, head, (webSocket) => {
      connections.giveToLive(socket);
      webSocket.on('error', () => {
        // ws closes the connection itself, with the close code that fits.
      });
      webSocket.on('ping', (data) => {
        if (socket.writableLength <= limits.maxPongBacklogBytes) {
          webSocket.pong(data);
        }
      });
      prepareSocket(socket);
      mount.serve({ kind: 'websocket', webSocket, ...this.#viewer(incoming, target) });
    });
  }

  #serveHttp(incoming: IncomingMessage, target: RequestTarget, mount: LiveMount): void {
    const socket = incoming.socket;
    this.#options.connections.giveToLive(socket);
    prepareSocket(socket);
    // The end may have come while files were looked for.
    if (socket.readableEnded) {
      socket.destroy();
      return;
    }
    socket.once('end', () => {
      socket.destroy();
    });
    mount.serve({
      kind: 'http',
      method: incoming.method === 'HEAD' ? 'HEAD' : 'GET',
      httpVersion: incoming.httpVersionMinor === 0 ? '1.0' : '1.1',
      ...this.#viewer(incoming, target),
    });
  }

  #viewer(incoming: IncomingMessage, target: RequestTarget) {
    const { socket, headers } = incoming;
    return {
      request: { host: target.host, path: target.path, query: target.query },
      search: target.search,
      headers,
      remoteAddress: clientAddress(incoming, this.#options.peers),
      remotePort: socket.remotePort ?? 0,
      socket,
      serverName: this.#options.serverName,
    };
  }
}

function prepareSocket(socket: Socket): void {
  socket.setTimeout(0);
  socket.setNoDelay(true);
}

/**
 * A server may ignore an upgrade that it does not know (RFC 9110 §7.8), e.g. `h2c`, and answers as ever. Node
 * hands the socket over all the same, so the request goes back in as an ordinary one, the last of its
 * connection.
 */
function answerWithoutUpgrade(server: Server, incoming: IncomingMessage, socket: Socket): void {
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.end();
  });
  // A body would follow unparsed; it is dropped, and the connection ends with the response.
  socket.resume();
  server.emit('request', incoming, response);
}
