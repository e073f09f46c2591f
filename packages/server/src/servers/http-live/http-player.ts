import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import type { Client, ClientEnd, ClientFailure, ClientTransport } from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { LiveHub, LiveStream } from '../../live/index.ts';
import { plainAddress } from '../../log/index.ts';
import { chunkedFraming, type Framing, plainFraming, websocketFraming } from '../../remux/index.ts';
import { pageUrlOf } from '../../security/index.ts';
import type { EndReason } from '../../stats/index.ts';
import type { LiveViewer } from '../http/index.ts';
import type { HttpLiveContext } from './context.ts';
import { familyOf, formProblem, type LiveForm, liveForms, noteFormProblem } from './forms.ts';
import type { MountedStream } from './mounts.ts';

/** A response that has ended may take this long, ms, to be taken by its peer. */
const LINGER_MS = 30_000;

/** What a player asked for. */
export interface HttpPlayerOptions {
  readonly viewer: LiveViewer;
  readonly vhost: VhostConfig;
  readonly mounted: MountedStream;
  readonly form: LiveForm;
  /** Waits for a publisher (`hstrs`) while it has got nothing. */
  readonly waits: boolean;
  /** Whether a vhost still has the path that was asked for. */
  readonly isMounted: (vhost: VhostConfig) => boolean;
}

/** The response to one player over HTTP or WebSocket. */
export class HttpPlayer implements ClientTransport {
  readonly #options: HttpPlayerOptions;
  readonly #client: Client;
  readonly #hub: LiveHub;
  readonly #socket: Socket;
  readonly #framing: Framing;
  /** A head has been written: what follows is a stream. */
  #hasHead = false;
  #live: LiveStream | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(options: HttpPlayerOptions, { clients, hub }: HttpLiveContext) {
    const { viewer, mounted } = options;
    const { headers, kind, remoteAddress, request, socket } = viewer;
    this.#options = options;
    this.#hub = hub;
    this.#framing = framingOf(viewer);
    this.#socket = socket;
    const scheme = kind === 'http' ? 'http' : 'ws';
    this.#client = clients.open({
      ip: plainAddress(remoteAddress),
      tcUrl: `${scheme}://${headers.host ?? request.host}/${mounted.app}`,
      pageUrl: pageUrlOf(headers),
      transport: this,
    });
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  /** Answers the request and begins to play. `onClosed` is called once, when the socket is closed. */
  start(onClosed: () => void): void {
    const { form, mounted, vhost, viewer } = this.#options;
    this.#socket.once('close', () => {
      clearTimeout(this.#lingerTimer);
      this.#client.closed();
      onClosed();
    });
    const target = { host: vhost.name, ...mounted, param: viewer.search, type: liveForms[form].sessionType };
    this.#client.play(target, () => {
      this.#play();
    });
  }

  /** Ends the response when its stream turns out to have nothing for the form. */
  checkForm(): void {
    const problem = this.#live === undefined ? undefined : formProblem(this.#options.form, this.#live);
    if (problem !== undefined) this.#client.end('form-unavailable', problem, problem);
  }

  configure(vhost: VhostConfig): ClientFailure | undefined {
    return this.#options.isMounted(vhost) ? undefined : { reason: 'unmounted' };
  }

  /** Ends the response in order, after what has been written, or refuses the request. */
  close(end: ClientEnd): void {
    const socket = this.#socket;
    if (end.reason === 'play-stalled' || end.reason === 'internal-error') {
      socket.destroy();
      return;
    }
    const { trailer } = this.#framing;
    if (!this.#hasHead) this.#refuse(end);
    else if (this.#live !== undefined && !end.isStreamEnd && trailer !== undefined) socket.write(trailer);
    socket.destroySoon();
    this.#lingerTimer = setTimeout(() => {
      socket.destroy();
    }, LINGER_MS);
    this.#lingerTimer.unref();
  }

  #play(): void {
    const socket = this.#socket;
    // It did not wait for the answer; its close follows.
    if (socket.destroyed) return;
    const { form, viewer, waits } = this.#options;
    const published = this.#hub.find(this.#client);
    const problem = published === undefined ? undefined : formProblem(form, published);
    if (problem !== undefined) {
      if (published !== undefined) noteFormProblem(form, published);
      this.#client.end('form-unavailable', problem, problem);
      return;
    }
    // The head and the cached GOP leave in one write.
    socket.cork();
    try {
      this.#hasHead = true;
      if (viewer.kind === 'http') {
        socket.write(responseHead(viewer, this.#framing, liveForms[form].contentType));
        if (viewer.method === 'HEAD') {
          this.#client.end('closed-by-peer');
          return;
        }
      }
      socket.on('drain', () => {
        this.#client.player?.drained();
      });
      this.#client.startPlay({
        sink: socket,
        family: (stream) => {
          this.#live = stream;
          return familyOf(form, this.#framing, stream);
        },
        endsWithPublisher: waits ? 'once-started' : 'always',
        via: `by ${viewer.kind}`,
      });
    } finally {
      socket.uncork();
    }
  }

  #refuse({ reason, publicText }: ClientEnd): void {
    const { viewer } = this.#options;
    if (viewer.kind === 'websocket') {
      this.#socket.write(policyClose(publicText));
      return;
    }
    const status = statusOf(reason);
    this.#socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nServer: ${viewer.serverName}\r\n` +
        `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(publicText)}\r\n` +
        'Access-Control-Allow-Origin: *\r\n' +
        `Connection: close\r\n\r\n${viewer.method === 'HEAD' ? '' : publicText}`,
    );
  }
}

/** The status by which a request is refused. */
function statusOf(reason: EndReason): number {
  switch (reason) {
    case 'form-unavailable':
    case 'unmounted':
    case 'vhost-not-found':
      return 404;
    case 'server-shutdown':
      return 503;
    default:
      return 403;
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
