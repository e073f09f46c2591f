import type { Socket } from 'node:net';

import type { VhostConfig } from '../../config/index.ts';
import type { LiveStream, Player, PlayerEnd } from '../../live/index.ts';
import { endSession, type Log, newSessionId, plainAddress } from '../../log/index.ts';
import { chunkedFraming, type Framing, plainFraming, websocketFraming } from '../../remux/index.ts';
import { type ClientRequest, type Refusal, referAllows } from '../../security/index.ts';
import { type EndReason, endReasons, type Session, type SessionType } from '../../stats/index.ts';
import type { LiveViewer } from '../http/index.ts';
import type { HttpLiveContext } from './context.ts';
import { familyOf, formProblem, type LiveForm, liveForms, noteFormProblem } from './forms.ts';
import type { MountedStream } from './mounts.ts';

/** A response that has ended may take this long, ms, to be taken by its peer. */
const LINGER_MS = 30_000;

const playerEnds = {
  stalled: 'play-stalled',
  duration: 'play-duration',
  'publisher-gone': 'publisher-gone',
  'wait-timeout': 'play-wait-timeout',
} as const satisfies Record<PlayerEnd, EndReason>;

/** What a player asked for. */
export interface ViewerSessionOptions {
  readonly viewer: LiveViewer;
  readonly vhost: VhostConfig;
  readonly mounted: MountedStream;
  readonly form: LiveForm;
  /** Waits for a publisher (`hstrs`) while it has got nothing. */
  readonly waits: boolean;
  /** Whether publishers end because the server stops. */
  readonly isStopping: () => boolean;
}

/** One player over HTTP or WebSocket from its request to its closing log line. */
export class ViewerSession implements Session {
  readonly id = newSessionId();
  readonly startedAt = Date.now();
  readonly since = performance.now();
  readonly type: SessionType;
  readonly publish = false;
  readonly ip: string;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl = '';
  /** The path that was asked for. */
  readonly path: string;
  readonly form: LiveForm;
  readonly #log: Log;
  readonly #socket: Socket;
  readonly #context: HttpLiveContext;
  readonly #framing: Framing;
  readonly #vhost: VhostConfig;
  readonly #waits: boolean;
  readonly #isStopping: () => boolean;
  #live: LiveStream | undefined;
  /** The client as it was let in. */
  #admitted: ClientRequest | undefined;
  /** The answer is one of a stream. */
  #begun = false;
  #player: Player | undefined;
  #reason: EndReason | undefined;
  #detail: string | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(
    { viewer, vhost, mounted, form, waits, isStopping }: ViewerSessionOptions,
    context: HttpLiveContext,
  ) {
    this.#context = context;
    this.#vhost = vhost;
    this.form = form;
    this.path = viewer.request.path;
    this.#waits = waits;
    this.#isStopping = isStopping;
    this.type = liveForms[form].sessionType;
    this.#framing = framingOf(viewer);
    this.#socket = viewer.socket;
    this.ip = plainAddress(viewer.remoteAddress);
    this.#log = context.log.child({ id: this.id, ip: this.ip });
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

  get videoFrames(): number {
    return this.#player?.videoFrames ?? 0;
  }

  get source(): string | undefined {
    return this.#live?.sourceId;
  }

  /** Answers the request and begins to play. `onEnded` is called once, when the socket is closed. */
  start(viewer: LiveViewer, onEnded: () => void): void {
    const socket = this.#socket;
    const { refer } = this.#vhost;
    socket.once('close', () => {
      clearTimeout(this.#lingerTimer);
      this.#reason ??= 'closed-by-peer';
      this.#player?.leave();
      this.#context.sessions.remove(this);
      this.#leaveGate();
      endSession(this, {
        reason: this.#reason,
        detail: this.#detail,
        log: this.#log,
        ended: this.#context.sessions.ended,
      });
      onEnded();
    });
    if (!referAllows(refer, 'all', this.pageUrl) || !referAllows(refer, 'play', this.pageUrl)) {
      this.#refuse(viewer, 'refer-denied', 403, 'Forbidden');
      return;
    }
    this.#ask(viewer);
  }

  /** Asks the gates, and goes on at once when nobody has to be asked. */
  #ask(viewer: LiveViewer): void {
    const { id, ip, app, stream, tcUrl, pageUrl } = this;
    const vhost = this.#vhost;
    const client = { id, ip, vhost, app, stream, param: viewer.search, tcUrl, pageUrl };
    const decide = (verdict: Refusal | undefined): void => {
      const isGone = this.#reason !== undefined || this.#socket.destroyed;
      if (verdict !== undefined) {
        if (!isGone) this.#refuseAtGate(viewer, verdict);
        return;
      }
      this.#admitted = client;
      // Whoever keeps count of the clients that it has let in must not count one who didn't wait for the answer.
      if (isGone) this.#leaveGate();
      else this.#admit(viewer, client);
    };
    const verdict = this.#context.authorizer.check('play', client);
    if (!(verdict instanceof Promise)) {
      decide(verdict);
      return;
    }
    verdict.then(decide).catch((error: unknown) => {
      this.#log.error(error);
      this.destroy('internal-error');
    });
  }

  /** The peer is told the kind of reason; the log alone has the details, which may name our own servers. */
  #refuseAtGate(viewer: LiveViewer, { reason, detail }: Refusal): void {
    this.#detail = detail;
    this.#refuse(viewer, reason, 403, 'Forbidden', endReasons[reason]);
  }

  #admit(viewer: LiveViewer, client: ClientRequest): void {
    const socket = this.#socket;
    const published = this.#context.hub.find(this);
    const problem = published === undefined ? undefined : formProblem(this.form, published);
    if (problem !== undefined) {
      this.#log.info(`no ${this.form} of ${this.app}/${this.stream}: ${problem}`);
      if (published !== undefined) noteFormProblem(this.form, published);
      this.#refuse(viewer, 'form-unavailable', 404, 'Not Found', problem);
      return;
    }
    // The head and the cached GOP leave in one write.
    socket.cork();
    try {
      if (viewer.kind === 'http') {
        socket.write(responseHead(viewer, this.#framing, liveForms[this.form].contentType));
        if (viewer.method === 'HEAD') {
          this.#end('closed-by-peer');
          return;
        }
      }
      socket.on('drain', () => {
        this.#player?.drained();
      });
      this.#begun = true;
      this.#context.authorizer.began('play', client);
      this.#play(viewer.kind);
    } finally {
      socket.uncork();
    }
  }

  /** The client that was let in plays no more. */
  #leaveGate(): void {
    const client = this.#admitted;
    this.#admitted = undefined;
    if (client !== undefined) this.#context.authorizer.ended('play', client, this.#reason);
  }

  /** Ends the response when its stream turns out to have nothing for the form. */
  checkForm(): void {
    if (this.#live === undefined || this.#reason !== undefined) return;
    const problem = formProblem(this.form, this.#live);
    if (problem === undefined) return;
    this.#log.info(`no ${this.form} of ${this.app}/${this.stream}: ${problem}`);
    this.finish('form-unavailable');
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
    // Who still waits for the gates has got no head, either.
    if (this.#begun && this.#reason === undefined && trailer !== undefined) this.#socket.write(trailer);
    this.#end(reason);
  }

  #play(kind: LiveViewer['kind']): void {
    const stream = this.#context.hub.open(this, this.#context.settings(this.#vhost));
    const source = stream.publisherId === undefined ? 'nobody publishes yet' : `source ${stream.publisherId}`;
    this.#log.info(`${this.type} ${stream.key} by ${kind} from ${this.ip}, ${source}`);
    this.#context.sessions.add(this);
    this.#live = stream;
    this.#player = stream.play({
      family: familyOf(this.form, this.#framing, stream),
      sink: this.#socket,
      endsWithPublisher: this.#waits ? 'once-started' : 'always',
      onDrop: ({ frames, bytes, behindMs }) => {
        this.#log.warn(`behind by ${Math.round(behindMs)} ms: dropped ${frames} frames, ${bytes} B`);
      },
      onEnd: (reason) => {
        if (reason === 'stalled') this.destroy('play-stalled');
        else if (reason === 'publisher-gone' && this.#isStopping()) this.#end('server-shutdown');
        else this.#end(playerEnds[reason]);
      },
    });
  }

  #end(reason: EndReason): void {
    this.#reason ??= reason;
    this.#socket.destroySoon();
    this.#lingerTimer ??= setTimeout(() => {
      this.#socket.destroy();
    }, LINGER_MS);
    this.#lingerTimer.unref();
  }

  /** @param detail - what the body says; the status text when it is left out */
  #refuse(viewer: LiveViewer, reason: EndReason, status: number, text: string, detail = text): void {
    if (viewer.kind === 'http') {
      this.#socket.write(
        `HTTP/1.1 ${status} ${text}\r\nServer: ${viewer.serverName}\r\nContent-Type: text/plain\r\n` +
          `Content-Length: ${Buffer.byteLength(detail)}\r\nAccess-Control-Allow-Origin: *\r\n` +
          `Connection: close\r\n\r\n${viewer.method === 'HEAD' ? '' : detail}`,
      );
    } else {
      this.#socket.write(policyClose(detail));
    }
    this.#end(reason);
  }
}

/** A close frame with the status 1008, "policy violation" (RFC 6455, 5.5.1 and 7.4.1). */
function policyClose(reason: string): Uint8Array {
  const text = Buffer.from(reason.slice(0, 120), 'latin1');
  return Buffer.concat([Buffer.from([0x88, 2 + text.length, 0x03, 0xf0]), text]);
}

function framingOf(viewer: LiveViewer): Framing {
  if (viewer.kind === 'websocket') return websocketFraming;
  return viewer.httpVersion === '1.1' ? chunkedFraming : plainFraming;
}

function responseHead(viewer: LiveViewer, framing: Framing, contentType: string): string {
  const transfer = framing === chunkedFraming ? 'Transfer-Encoding: chunked\r\n' : '';
  return (
    'HTTP/1.1 200 OK\r\n' +
    `Server: ${viewer.serverName}\r\n` +
    `Content-Type: ${contentType}\r\n` +
    'Cache-Control: no-cache, no-store\r\n' +
    'Access-Control-Allow-Origin: *\r\n' +
    `${transfer}Connection: close\r\n\r\n`
  );
}
