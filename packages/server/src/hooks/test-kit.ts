import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { defaultVhost, type VhostConfig } from '../config/index.ts';
import type { ClientRequest } from '../security/index.ts';
import type { HookLog } from './outage.ts';

/** A call that a {@link TestServer} got. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

/** How a {@link TestServer} answers. */
export type Answer = (response: ServerResponse, received: Received) => void;

/** A real HTTP server on a free port, whose answers a test decides. */
export class TestServer {
  /** Every call, in the order in which they came. */
  readonly received: Received[] = [];
  /** Connections that were made. */
  connections = 0;
  answer: Answer;
  readonly #server: Server;
  readonly #waiters: { count: number; resolve: () => void }[] = [];
  #port = 0;

  constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const body = text === '' ? {} : (JSON.parse(text) as Received['body']);
        const received = { method, url, headers, body };
        this.received.push(received);
        this.answer(response, received);
        for (const waiter of this.#waiters) if (this.received.length >= waiter.count) waiter.resolve();
      });
    });
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  /** Listens; again on the same port after {@link down}. */
  up(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        const address = this.#server.address();
        if (typeof address === 'object' && address !== null) this.#port = address.port;
        resolve();
      });
    });
  }

  down(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  /** Resolves when so many calls have come. */
  async calls(count: number): Promise<readonly Received[]> {
    if (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#waiters.push({ count, resolve });
      });
    }
    return this.received;
  }

  /** A field of each body. */
  field(name: string): unknown[] {
    return this.received.map(({ body }) => body[name]);
  }
}

/** Answers with a status and a body. */
export function answers(status: number, body: string): Answer {
  return (response) => {
    response.writeHead(status);
    response.end(body);
  };
}

/** A vhost whose callbacks are on. */
export function hookedVhost(hooks: Partial<VhostConfig['httpHooks']>, name?: string): VhostConfig {
  const vhost = defaultVhost(name);
  return { ...vhost, httpHooks: { ...vhost.httpHooks, enabled: true, ...hooks } };
}

/** A client of a vhost. */
export function clientOf(vhost: VhostConfig, changes: Partial<ClientRequest> = {}): ClientRequest {
  return {
    id: 'client01',
    ip: '192.0.2.7',
    vhost,
    app: 'live',
    stream: 'livestream',
    param: '?token=abc',
    tcUrl: 'rtmp://example.com/live',
    pageUrl: 'http://example.com/player.html',
    ...changes,
  };
}

/** A log that keeps its lines. */
export function keptLog(): HookLog & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    warn: (message) => lines.push(`warn ${message}`),
    info: (message) => lines.push(`info ${message}`),
  };
}
