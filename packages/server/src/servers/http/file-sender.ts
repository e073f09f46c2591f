import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isOutOfDescriptors } from '../../stats/index.ts';
import { sendText } from './answer-head.ts';
import type { Exchange, HeaderList } from './answer-head.ts';
import type { ByteRange } from './byte-range.ts';
import type { Validators } from './conditions.ts';
import type { FilePlaces } from './file-places.ts';
import { FilePump } from './file-pump.ts';
import { contentTypeOf } from './file-types.ts';
import { answerByConditions, partHeaders, selectRange } from './preconditions.ts';

/** What is sent of a file. Each field has its default. */
export interface FileSendOptions {
  /** Goes before the bytes of the file. Default none. */
  readonly head?: Uint8Array;
  /** Where in the file to begin; beyond its end nothing of it is sent. Default 0. */
  readonly from?: number;
  /** Taken for the `Range` header of a request that has none. */
  readonly range?: string;
  /** Headers for this answer. Default none. */
  readonly headers?: HeaderList;
  /** Told, at the end, how many bytes of the file were given to the socket. Default nobody. */
  readonly listener?: SentListener | undefined;
}

/** Counts what was sent. */
export interface SentListener {
  sent(bytes: number): void;
}

/** Sends files of the disk with ETag, Last-Modified, conditional requests and a byte range (RFC 9110 §13, §14). */
export class FileSender {
  readonly #common: HeaderList;
  readonly #places: Pick<FilePlaces, 'fitsFile'>;
  readonly #pump = new FilePump();

  constructor(common: HeaderList, places: Pick<FilePlaces, 'fitsFile'>) {
    this.#common = common;
    this.#places = places;
  }

  /**
   * Answers a GET or HEAD with a regular file; one that can't be opened (any more) is answered 404, or 503 for want of
   * descriptors. The size is that at the time of the request, also while the file grows.
   */
  async send(exchange: Exchange, path: string, options: FileSendOptions = {}): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(path);
    } catch (error) {
      sendText(exchange, isOutOfDescriptors(error) ? 503 : 404, this.#common);
      return;
    }
    try {
      if (!this.#places.fitsFile(file.fd)) {
        sendText(exchange, 503, this.#common);
        return;
      }
      await this.#sendOpen(exchange, path, file, options);
    } finally {
      await file.close();
    }
  }

  async #sendOpen(
    exchange: Exchange,
    path: string,
    file: FileHandle,
    options: FileSendOptions,
  ): Promise<void> {
    const { response } = exchange;
    const { head = new Uint8Array(), from = 0 } = options;
    const facts = await file.stat();
    const size = head.length + Math.max(0, facts.size - from);
    const validators: Validators = {
      etag: `"${Math.floor(facts.mtimeMs).toString(16)}-${facts.size.toString(16)}${from === 0 ? '' : `-${from.toString(16)}`}"`,
      lastModifiedMs: facts.mtimeMs,
    };
    const headers = [
      ...this.#common,
      ...(options.headers ?? []),
      ...['Accept-Ranges', 'bytes', 'Cache-Control', 'public, max-age=0'],
      ...['Last-Modified', new Date(facts.mtimeMs).toUTCString(), 'ETag', validators.etag ?? ''],
    ];
    if (answerByConditions(exchange, validators, { common: this.#common, file: headers })) return;
    const range = selectRange(exchange, validators, size, this.#common, options.range);
    if (range === undefined) return;
    headers.push('Content-Type', contentTypeOf(path));
    if (range === 'whole') {
      response.writeHead(200, [...headers, 'Content-Length', String(size)]);
      await this.#sendBody(exchange, file, { start: 0, end: size - 1 }, options);
    } else {
      headers.push(...partHeaders(range, size));
      response.writeHead(206, headers);
      await this.#sendBody(exchange, file, range, options);
    }
  }

  /** Sends a part of `head` followed by the file from `from` on. */
  async #sendBody(
    { request, response }: Exchange,
    file: FileHandle,
    { start, end }: ByteRange,
    { head = new Uint8Array(), from = 0, listener }: FileSendOptions,
  ): Promise<void> {
    if (request.method === 'HEAD' || end < start) {
      response.end();
      return;
    }
    if (start < head.length) {
      response.write(head.subarray(start, end + 1));
    }
    const first = from + Math.max(0, start - head.length);
    const last = from + end - head.length;
    if (end < head.length || last < first) {
      response.end();
      return;
    }
    const sent = await this.#pump.send(file, response, first, last);
    listener?.sent(sent);
  }
}
