import type { Socket } from 'node:net';

import type { VhostConfig } from '../../config/index.ts';
import type { Player, PlayerEnd } from '../../live/index.ts';
import { endLine, type Log, newSessionId, plainAddress } from '../../log/index.ts';
import {
  chunkedFraming,
  flvFamily,
  type Framing,
  plainFraming,
  websocketFraming,
} from '../../remux/index.ts';
import { referAllows } from '../../security/index.ts';
import type { EndReason, Session } from '../../stats/index.ts';
import type { HttpLiveContext, Viewer } from './context.ts';
import type { MountedStream } from './mounts.ts';

/** A response that has ended may take this long, ms, to be taken by its peer. */
const LINGER_MS = 30_000;

const playerEnds = {
  stalled: 'play-stalled',
  duration: 'play-duration',
  'publisher-gone': 'publisher-gone',
} as const satisfies Record<PlayerEnd, EndReason>;

/** One HTTP-FLV or WebSocket-FLV player from its request to its closing log line. */
export class ViewerSession implements Session {
  readonly id = newSessionId();
  readonly startedAt = Date.now();
  readonly type = 'flv-play';
  readonly publish = false;
  readonly ip: string;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl = '';
  readonly #log: Log;
  readonly #socket: Socket;
  readonly #context: HttpLiveContext;
  readonly #framing: Framing;
  #player: Player | undefined;
  #reason: EndReason | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(viewer: Viewer, vhost: VhostConfig, mounted: MountedStream, context: HttpLiveContext) {
    this.#context = context;
    this.#framing = framingOf(viewer);
    this.#socket = viewer.socket;
    this.#log = context.log.child({ id: this.id });
    this.ip = plainAddress(viewer.remoteAddress);
    this.vhost = vhost.name;
    this.app = mounted.app;
    this.stream = mounted.stream;
    const scheme = viewer.kind === 'http' ? 'http' : 'ws';
    this.tcUrl = `${scheme}://${viewer.headers.host ?? viewer.request.host}/${mounted.app}`;
    this.pageUrl = viewer.headers.referer ?? viewer.headers.origin ?? '';
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  get droppedFrames(): number {
    return this.#player?.droppedFrames ?? 0;
  }

  /** Answers the request and begins to play. `onEnded` is called once, when the socket is closed. */
  start(viewer: Viewer, vhost: VhostConfig, onEnded: (session: ViewerSession) => void): void {
    const socket = this.#socket;
    socket.once('close', () => {
      clearTimeout(this.#lingerTimer);
      this.#player?.leave();
      this.#context.sessions.remove(this);
      this.#log.info(endLine(this, this.#reason ?? 'closed-by-peer'));
      onEnded(this);
    });
    if (!referAllows(vhost.refer, 'all', this.pageUrl) || !referAllows(vhost.refer, 'play', this.pageUrl)) {
      this.#refuse(viewer, 'refer-denied', 403, 'Forbidden');
      return;
    }
    const framing = this.#framing;
    if (viewer.kind === 'http') {
      socket.write(responseHead(viewer, framing));
      if (viewer.method === 'HEAD') {
        this.#end('closed-by-peer');
        return;
      }
    }
    socket.on('drain', () => {
      this.#player?.drained();
    });
    const stream = this.#context.hub.open(this, this.#context.settings(vhost));
    const source = stream.publisherId === undefined ? 'nobody publishes yet' : `source ${stream.publisherId}`;
    this.#log.info(`flv-play ${stream.key} by ${viewer.kind} from ${this.ip}, ${source}`);
    this.#context.sessions.add(this);
    this.#player = stream.play({
      family: flvFamily(framing),
      sink: socket,
      endsWithPublisher: !vhost.httpRemux.hstrs,
      onDrop: ({ frames, bytes, behindMs }) => {
        this.#log.warn(`behind by ${Math.round(behindMs)} ms: dropped ${frames} frames, ${bytes} B`);
      },
      onEnd: (reason) => {
        if (reason === 'stalled') this.destroy('play-stalled');
        else this.#end(playerEnds[reason]);
      },
    });
  }

  /** Ends at once; the first reason counts. */
  destroy(reason: EndReason): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  /** Ends the response in order, after what has been written; the first reason counts. */
  finish(reason: EndReason): void {
    this.#player?.leave();
    const { trailer } = this.#framing;
    if (this.#reason === undefined && trailer !== undefined) this.#socket.write(trailer);
    this.#end(reason);
  }

  #end(reason: EndReason): void {
    this.#reason ??= reason;
    this.#socket.destroySoon();
    this.#lingerTimer ??= setTimeout(() => {
      this.#socket.destroy();
    }, LINGER_MS);
    this.#lingerTimer.unref();
  }

  #refuse(viewer: Viewer, reason: EndReason, status: number, text: string): void {
    if (viewer.kind === 'http') {
      this.#socket.write(
        `HTTP/1.1 ${status} ${text}\r\nServer: ${viewer.serverName}\r\nContent-Type: text/plain\r\n` +
          `Content-Length: ${text.length}\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n${text}`,
      );
    }
    this.#end(reason);
  }
}

function framingOf(viewer: Viewer): Framing {
  if (viewer.kind === 'websocket') return websocketFraming;
  return viewer.httpVersion === '1.1' ? chunkedFraming : plainFraming;
}

function responseHead(viewer: Viewer, framing: Framing): string {
  const transfer = framing === chunkedFraming ? 'Transfer-Encoding: chunked\r\n' : '';
  return (
    'HTTP/1.1 200 OK\r\n' +
    `Server: ${viewer.serverName}\r\n` +
    'Content-Type: video/x-flv\r\n' +
    'Cache-Control: no-cache, no-store\r\n' +
    'Access-Control-Allow-Origin: *\r\n' +
    `${transfer}Connection: close\r\n\r\n`
  );
}
