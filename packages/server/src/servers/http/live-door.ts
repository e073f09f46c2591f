import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/**
 * The hand-over between the HTTP server, which parses requests, and the live room, which knows the streams.
 * The HTTP server asks {@link LiveDoor.match}; on a match the player's socket belongs to the live room until
 * it closes, and the HTTP server neither writes to it nor reads another request from it.
 */
export interface LiveDoor {
  /**
   * The live mount that a request is for; undefined lets the request go on to the static files. It is asked
   * for every GET, HEAD and WebSocket upgrade, so it must be quick and make nothing.
   */
  match(request: LiveRequest): LiveMount | undefined;
}

/** One live stream form under one URL, e.g. `live/livestream` as FLV. */
export interface LiveMount {
  /**
   * Nobody publishes the stream: the player would have to wait for it, so that a file of that name goes before.
   */
  readonly waits: boolean;
  /**
   * Takes the player over. It may answer at once or later (`hstrs`); it writes the whole response, the head
   * included, and ends or destroys the socket itself. The socket has an `error` listener already; `close` is
   * the one event that tells that the player is gone.
   */
  serve(viewer: LiveViewer): void;
}

/** What a live mount is chosen by. */
export interface LiveRequest {
  /** Lower-case host name without port: `?vhost=` when it is there, else the Host header; may be empty. */
  readonly host: string;
  /** Percent-decoded and clean: starts with `/`, no empty, `.` or `..` segment. */
  readonly path: string;
  readonly query: URLSearchParams;
}

interface LiveViewerBase {
  readonly request: LiveRequest;
  /** The query as it came, with its `?`, or an empty string: the `param` of hooks and logs. */
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's, also behind a trusted proxy. Empty when the peer is gone already. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /**
   * The raw socket, TCP_NODELAY set, without a time limit. Read by the HTTP server, which drops what the
   * player sends; when the player closes its side the socket is destroyed.
   */
  readonly socket: Socket;
  /** The value for the `Server` header, e.g. `Sluice/0.1.0`. */
  readonly serverName: string;
}

/** A player by plain HTTP: the live room writes an HTTP/1.1 response head and the body to `socket`. */
export interface HttpViewer extends LiveViewerBase {
  readonly kind: 'http';
  /** HEAD wants the head alone. */
  readonly method: 'GET' | 'HEAD';
  /** `1.0` knows no chunked transfer: the body ends with the connection. */
  readonly httpVersion: '1.0' | '1.1';
}

/**
 * A player by WebSocket, its handshake done. The live room writes whole, unmasked frames straight to `socket`,
 * each in one write; pings and closes of the player are answered by `webSocket`, between those writes.
 */
export interface WebSocketViewer extends LiveViewerBase {
  readonly kind: 'websocket';
  /** For closing in order (`close(code, reason)`); it has an `error` listener already. */
  readonly webSocket: WebSocket;
}

/** Who wants to watch. */
export type LiveViewer = HttpViewer | WebSocketViewer;
