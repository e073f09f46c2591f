import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FlvReader } from '@sluice/media/flv';
import type { FlvTag } from '@sluice/media/flv';
import { Changes } from './changes.ts';
import { LIMIT_MS } from './process.ts';

/** A player of a live FLV URL, by HTTP (`http:`) or by WebSocket (`ws:`). Every tag is kept. */
export class FlvViewer {
  /** HTTP status; 101 for a WebSocket. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** All tags so far, oldest first. */
  readonly tags: FlvTag[] = [];
  /** A WebSocket's, or that of the response: for sending what players don't. */
  readonly socket: Socket;
  readonly #reader = new FlvReader();
  readonly #changes = new Changes();
  #ended = false;
  #failure: Error | undefined;

  private constructor(response: IncomingMessage, socket: Socket) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.socket = socket;
  }

  /** Sends the request and waits for the response's head. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<FlvViewer> {
    return url.startsWith('ws') ? FlvViewer.#openWebSocket(url, headers) : FlvViewer.#openHttp(url, headers);
  }

  static async #openHttp(url: string, headers: Readonly<Record<string, string>>): Promise<FlvViewer> {
    const outgoing = request(url, { agent: false, headers });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const viewer = new FlvViewer(response, response.socket);
    response.on('data', (bytes: Uint8Array) => {
      if (viewer.status === 200) viewer.#feed(bytes);
    });
    response.on('error', (error) => {
      viewer.#fail(error);
    });
    response.on('close', () => {
      viewer.#end();
    });
    return viewer;
  }

  static async #openWebSocket(url: string, headers: Readonly<Record<string, string>>): Promise<FlvViewer> {
    const outgoing = request(url.replace(/^ws/, 'http'), {
      agent: false,
      headers: {
        ...headers,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'c2x1aWNlIGUyZSB0ZXN0IQ==',
      },
    });
    outgoing.end();
    const [response, socket, head] = await new Promise<[IncomingMessage, Socket, Uint8Array]>(
      (resolve, reject) => {
        outgoing.once('upgrade', (...upgraded) => {
          resolve(upgraded);
        });
        outgoing.once('response', (refused) => {
          resolve([refused, refused.socket, new Uint8Array(0)]);
        });
        outgoing.once('error', reject);
      },
    );
    const viewer = new FlvViewer(response, socket);
    if (viewer.status !== 101) {
      socket.destroy();
      viewer.#end();
      return viewer;
    }
    const frames = new FrameReader((payload) => {
      viewer.#feed(payload);
    });
    frames.write(head);
    socket.on('data', (bytes: Uint8Array) => {
      frames.write(bytes);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      viewer.#end();
    });
    return viewer;
  }

  /** Whether the response or the socket has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Audio and video without sequence headers being told apart. */
  media(kinds: readonly (8 | 9 | 18)[] = [8, 9]): readonly FlvTag[] {
    return this.tags.filter(({ type }) => kinds.some((kind) => kind === type));
  }

  async until<T>(what: string, find: () => T | undefined, limitMs = LIMIT_MS): Promise<T> {
    return this.#changes.until(
      what,
      () => {
        if (this.#failure !== undefined) throw this.#failure;
        return find();
      },
      () => (this.#ended ? 'the response ended' : undefined),
      limitMs,
    );
  }

  async untilEnded(limitMs = LIMIT_MS): Promise<void> {
    await this.#changes.until(
      'the response ends',
      () => (this.#ended ? true : undefined),
      () => undefined,
      limitMs,
    );
    if (this.#failure !== undefined) throw this.#failure;
  }

  async untilMedia(count: number, kinds: readonly (8 | 9 | 18)[] = [8, 9]): Promise<readonly FlvTag[]> {
    return this.until(`${count} tags came`, () => {
      const media = this.media(kinds);
      return media.length >= count ? media : undefined;
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #feed(bytes: Uint8Array): void {
    try {
      this.tags.push(...this.#reader.write(bytes));
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#changes.notify();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#changes.notify();
  }

  #end(): void {
    this.#ended = true;
    this.#changes.notify();
  }
}

/** Takes a server's WebSocket frames apart (RFC 6455, 5.2); hands on the payload of data frames. */
class FrameReader {
  readonly #onPayload: (payload: Uint8Array) => void;
  #held = Buffer.alloc(0);

  constructor(onPayload: (payload: Uint8Array) => void) {
    this.#onPayload = onPayload;
  }

  write(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 2) {
      const short = this.#held.readUInt8(1) & 0x7f;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#held.length < start) return;
      const length =
        short === 127
          ? Number(this.#held.readBigUInt64BE(2))
          : short === 126
            ? this.#held.readUInt16BE(2)
            : short;
      if (this.#held.length < start + length) return;
      if ((this.#held.readUInt8(0) & 0x0f) <= 2) this.#onPayload(this.#held.subarray(start, start + length));
      this.#held = this.#held.subarray(start + length);
    }
  }
}
