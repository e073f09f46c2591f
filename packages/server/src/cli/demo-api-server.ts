import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { errorText } from '../error-text.ts';

/** Which actions each address takes, as SRS's demo had them (W003). */
const endpoints: ReadonlyMap<string, readonly string[]> = new Map([
  ['/api/v1/clients', ['on_connect', 'on_close']],
  ['/api/v1/streams', ['on_publish', 'on_unpublish']],
  ['/api/v1/sessions', ['on_play', 'on_stop']],
  ['/api/v1/dvrs', ['on_dvr']],
  ['/api/v1/hls', ['on_hls']],
  ['/api/v1/servers', []],
]);

/** The addresses of `on_hls_notify` begin with it. */
const NOTIFY_PREFIX = '/api/v1/hls/';
/** The newest events of an address that it lists. */
const MAX_LISTED = 100;
/** The largest event that is taken, bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Codes of answers, as SRS's demo had them. */
export const DemoCode = {
  success: 0,
  /** The event is no JSON object. */
  notJson: 100,
  /** The address does not take this action. */
  wrongAction: 200,
  /** `--refuse` says so. */
  refused: 403,
} as const;

/** A value of {@link DemoCode}. */
export type DemoCode = (typeof DemoCode)[keyof typeof DemoCode];

/** How a {@link DemoApi} behaves. */
export interface DemoApiOptions {
  /** Takes a line for each event. */
  readonly write: (line: string) => void;
  /** A yes is `{"code":0}` rather than `0`. */
  readonly json?: boolean;
  /** Actions that are refused, e.g. `on_publish`. */
  readonly refuse?: readonly string[];
  /** An answer waits so long, ms. */
  readonly delayMs?: number;
}

/**
 * A callback server to try things with: it says yes to everything, prints what it is told, and lists it on GET.
 */
export class DemoApi {
  readonly #options: DemoApiOptions;
  readonly #server: Server;
  readonly #events = new Map<string, unknown[]>();

  constructor(options: DemoApiOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        // The client went while it was sending.
        options.write(`${request.method ?? ''} ${request.url ?? ''}: ${errorText(error)}`);
        response.destroy();
      });
    });
  }

  /**
   * @param port - 0 is any free one
   * @returns the port
   */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    const actions = endpoints.get(path);
    if (request.method === 'GET') {
      if (path.startsWith(NOTIFY_PREFIX)) {
        this.#options.write(`on_hls_notify ${request.url ?? ''}`);
        send(response, 200, '0');
      } else if (actions !== undefined) {
        send(response, 200, JSON.stringify({ code: DemoCode.success, data: this.#events.get(path) ?? [] }));
      } else if (path === '/' || path === '/api/v1') {
        send(response, 200, JSON.stringify({ code: DemoCode.success, urls: [...endpoints.keys()] }));
      } else send(response, 404, JSON.stringify({ code: 404 }));
      return;
    }
    if (actions === undefined) {
      send(response, 404, JSON.stringify({ code: 404 }));
      return;
    }
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'GET, POST');
      send(response, 405, JSON.stringify({ code: 405 }));
      return;
    }
    const text = await readBody(request);
    if (text === undefined) {
      response.setHeader('Connection', 'close');
      send(response, 413, JSON.stringify({ code: 413 }));
      return;
    }
    await this.#pause();
    const code = this.#take(path, actions, text);
    const yes = this.#options.json === true ? '{"code":0}' : '0';
    send(response, 200, code === DemoCode.success ? yes : JSON.stringify({ code }));
  }

  #take(path: string, actions: readonly string[], text: string): DemoCode {
    const { write, refuse = [] } = this.#options;
    const event = jsonObject(text);
    if (event === undefined) {
      write(`${path}: no JSON object: ${text.slice(0, 200)}`);
      return DemoCode.notJson;
    }
    const { action } = event;
    if (actions.length > 0 && (typeof action !== 'string' || !actions.includes(action))) {
      write(`${path} does not take this action: ${JSON.stringify(event)}`);
      return DemoCode.wrongAction;
    }
    const name = typeof action === 'string' && actions.length > 0 ? action : 'heartbeat';
    const refused = refuse.includes(name);
    write(`${name} ${JSON.stringify(event)}${refused ? ' refused' : ''}`);
    const list = this.#events.get(path) ?? [];
    this.#events.set(path, list);
    list.push(event);
    if (list.length > MAX_LISTED) list.shift();
    return refused ? DemoCode.refused : DemoCode.success;
  }

  async #pause(): Promise<void> {
    const { delayMs = 0 } = this.#options;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** The body as text; undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
