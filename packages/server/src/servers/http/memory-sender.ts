import { sendText } from './answer-head.ts';
import type { Exchange, HeaderList } from './answer-head.ts';
import { readRange } from './byte-range.ts';
import { evaluateConditions, rangeApplies } from './conditions.ts';
import { chooseCoding, MIN_CODED_BYTES, TextCoder } from './content-coding.ts';
import type { VirtualFile } from './virtual-files.ts';

const VARIES: HeaderList = ['Vary', 'Accept-Encoding'];
const ACCEPTS_RANGES: HeaderList = ['Accept-Ranges', 'bytes'];

/**
 * Sends files that are in memory, in one write: this is the hot path of HLS viewers, and a segment of
 * megabytes goes to the socket as it lies there.
 */
export class MemorySender {
  readonly #common: HeaderList;
  readonly #coder = new TextCoder();

  constructor(common: HeaderList) {
    this.#common = common;
  }

  /** Answers a GET or HEAD. */
  send(exchange: Exchange, file: VirtualFile): void {
    const { request, response } = exchange;
    const condition = evaluateConditions(request.headers, file);
    if (condition === 'not-modified') {
      response.writeHead(304, this.#headers(file));
      response.end();
      return;
    }
    if (condition === 'failed') {
      sendText(exchange, 412, this.#common);
      return;
    }
    const content = file.content();
    if (typeof content === 'string') {
      this.#sendText(exchange, file, content);
    } else {
      this.#sendBytes(exchange, file, content);
    }
  }

  #sendText(exchange: Exchange, file: VirtualFile, text: string): void {
    if (text.length < MIN_CODED_BYTES) {
      this.#finish(exchange, file, text, []);
      return;
    }
    const coding = chooseCoding(exchange.request.headers['accept-encoding']);
    const coded = coding === undefined ? undefined : this.#coder.code(text, coding, file.shared);
    if (coding === undefined || coded === undefined) {
      this.#finish(exchange, file, text, VARIES);
      return;
    }
    coded.then(
      (bytes) => {
        this.#finish(exchange, file, bytes, [...VARIES, 'Content-Encoding', coding]);
      },
      () => {
        this.#finish(exchange, file, text, VARIES);
      },
    );
  }

  #sendBytes(exchange: Exchange, file: VirtualFile, bytes: Uint8Array): void {
    const { headers } = exchange.request;
    const range = rangeApplies(headers, file) ? readRange(headers.range, bytes.length) : 'whole';
    if (range === 'unsatisfiable') {
      sendText(exchange, 416, [...this.#common, 'Content-Range', `bytes */${bytes.length}`]);
    } else if (range === 'whole') {
      this.#finish(exchange, file, bytes, ACCEPTS_RANGES);
    } else {
      const part = bytes.subarray(range.start, range.end + 1);
      const where = `bytes ${range.start}-${range.end}/${bytes.length}`;
      this.#finish(exchange, file, part, [...ACCEPTS_RANGES, 'Content-Range', where], 206);
    }
  }

  #finish(
    { request, response }: Exchange,
    file: VirtualFile,
    body: string | Uint8Array,
    extra: HeaderList,
    status = 200,
  ): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const headers = this.#headers(file);
    headers.push('Content-Type', file.contentType, ...extra, 'Content-Length', String(length));
    response.writeHead(status, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    file.sent?.(length);
    response.end(body);
  }

  #headers(file: VirtualFile): string[] {
    const headers = [...this.#common, 'Cache-Control', file.cacheControl];
    if (file.etag !== undefined) {
      headers.push('ETag', file.etag);
    }
    return headers;
  }
}
