import { connect, type Socket } from 'node:net';
import type { Attendee } from './attendance.ts';
import { type AnswerHead, ResponseHead } from './flv-scanner.ts';
import type { Target } from './target.ts';

/** The most bytes of a playlist that is read for an address. */
export const MAX_PLAYLIST_BYTES = 64 * 1024;

/** What a fetcher tells its run. */
export interface FetcherHandler {
  /** The first answer has begun. */
  onJoined(fetcher: Fetcher): void;
  /** An answer is complete. */
  onAnswer(fetcher: Fetcher, milliseconds: number): void;
  /** The connection is gone, or an answer was of no use; called at most once. */
  onEnd(fetcher: Fetcher, reason: string): void;
}

/** How a fetcher connects and what it asks for. */
export interface FetcherOptions {
  /** What it asks for, in turn, again and again; all of one server. */
  readonly targets: readonly Target[];
  /** Where in {@link targets} it begins. */
  readonly first: number;
  readonly address: string;
  readonly localAddress: string | undefined;
  /** Memory that all fetchers of the process read into. */
  readonly readBuffer: Buffer;
  /** The first answer is a playlist: ask for the first address in it from then on. */
  readonly session: boolean;
  /** Ask for gzip. */
  readonly gzip: boolean;
  /** From one request to the next, at least, ms; 0: at once. */
  readonly intervalMs: number;
  readonly handler: FetcherHandler;
}

/** One keep-alive connection that sends a request, reads the answer, and sends the next. */
export class Fetcher implements Attendee {
  readonly startedAt = performance.now();
  bytes = 0;
  windowStartBytes = -1;
  readonly #options: FetcherOptions;
  readonly #socket: Socket;
  #requests: readonly Buffer[];
  #next: number;
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #head: ResponseHead | undefined;
  #left = 0;
  #playlist: string | undefined;
  #joined = false;
  #ended = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#requests = options.targets.map((target) => buildRequest(target, options.gzip && !options.session));
    this.#next = options.first % options.targets.length;
    if (options.session) this.#playlist = '';
    const socket = connect({
      host: options.address,
      port: options.targets[0]?.port ?? 0,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      onread: { buffer: options.readBuffer, callback: (size, buffer) => this.#onRead(size, buffer) },
    });
    this.#socket = socket;
    socket.on('connect', () => {
      socket.setNoDelay(true);
      this.#ask();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.fail(error.code ?? error.message);
    });
    socket.on('close', () => {
      this.fail('closed by the server');
    });
  }

  leave(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  fail(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#options.handler.onEnd(this, reason);
  }

  #ask(): void {
    const request = this.#requests[this.#next];
    this.#next = (this.#next + 1) % this.#requests.length;
    this.#head = new ResponseHead();
    this.#askedAt = performance.now();
    if (request !== undefined) this.#socket.write(request);
  }

  #onRead(size: number, buffer: Uint8Array): boolean {
    if (this.#ended) return false;
    this.bytes += size;
    if (this.#head === undefined && this.#playlist === undefined) {
      // The usual case: bytes of a body, which nobody looks at.
      this.#left -= size;
      this.#endAnswer();
      return true;
    }
    try {
      this.#parse((buffer as Buffer).subarray(0, size));
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
    return true;
  }

  #parse(bytes: Buffer): void {
    let body = bytes;
    if (this.#head !== undefined) {
      const answer = this.#head.write(bytes);
      if (answer === undefined) return;
      this.#head = undefined;
      if (!this.#begin(answer)) return;
      body = answer.rest;
    }
    this.#left -= body.length;
    if (this.#playlist !== undefined) this.#playlist += body.toString('utf8');
    this.#endAnswer();
  }

  /** @returns false when the answer is of no use, and the connection at its end */
  #begin({ status, statusLine, headers }: AnswerHead): boolean {
    if (status !== 200) {
      this.fail(statusLine);
      return false;
    }
    const length = /^content-length:\s*(\d+)/m.exec(headers)?.[1];
    if (length === undefined) {
      this.fail('an answer without Content-Length');
      return false;
    }
    this.#left = Number(length);
    if (this.#playlist !== undefined && this.#left > MAX_PLAYLIST_BYTES) {
      this.fail(`a playlist of ${this.#left} bytes, more than ${MAX_PLAYLIST_BYTES}`);
      return false;
    }
    if (!this.#joined) {
      this.#joined = true;
      this.#options.handler.onJoined(this);
    }
    return true;
  }

  #endAnswer(): void {
    if (this.#left > 0 || this.#ended) return;
    if (this.#left < 0) {
      this.fail('more bytes than Content-Length says');
      return;
    }
    if (this.#playlist !== undefined && !this.#follow(this.#playlist)) return;
    const now = performance.now();
    this.#options.handler.onAnswer(this, now - this.#askedAt);
    const wait = this.#askedAt + this.#options.intervalMs - now;
    if (wait <= 0) this.#ask();
    else {
      this.#timer = setTimeout(() => {
        this.#ask();
      }, wait);
    }
  }

  /** Goes on with the first address of a playlist, as a player does with the session that it was given. */
  #follow(playlist: string): boolean {
    this.#playlist = undefined;
    const target = this.#options.targets[0];
    const uri = firstAddress(playlist);
    if (target === undefined || uri === undefined) {
      this.fail('a playlist without an address');
      return false;
    }
    const { pathname, search } = new URL(uri, `http://${target.host}:${target.port}${target.path}`);
    this.#requests = [buildRequest({ ...target, path: pathname + search }, this.#options.gzip)];
    this.#next = 0;
    return true;
  }
}

/** The first line of a playlist that is neither empty nor a tag (RFC 8216, 4.1); undefined without one. */
export function firstAddress(playlist: string): string | undefined {
  return playlist
    .split(/\r?\n/)
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'));
}

function buildRequest(target: Target, gzip: boolean): Buffer {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return Buffer.from(
    `GET ${target.path} HTTP/1.1\r\nHost: ${host}:${target.port}\r\nUser-Agent: sluice-bench\r\n` +
      `Connection: keep-alive\r\nAccept: */*\r\n${gzip ? 'Accept-Encoding: gzip\r\n' : ''}\r\n`,
    'latin1',
  );
}
