import type { Exchange, HeaderList } from './answer-head.ts';
import { chooseCoding, MIN_CODED_BYTES, TextCoder } from './content-coding.ts';
import { answerByConditions, partHeaders, selectRange } from './preconditions.ts';
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
    const headers = { common: this.#common, file: this.#headers(file) };
    if (answerByConditions(exchange, file, headers)) return;
    const content = file.content();
    if (typeof content === 'string') {
      this.#sendText(exchange, file, content);
    } else {
      this.#sendBytes(exchange, file, content);
    }
  }

  #sendText(exchange: Exchange, file: VirtualFile, text: string): void {
    const isWorthIt = text.length >= MIN_CODED_BYTES && mayBeCoded(file);
    const coding = isWorthIt ? chooseCoding(exchange.request.headers['accept-encoding']) : undefined;
    const coded = coding === undefined ? undefined : this.#coder.code(text, coding, file.shared);
    if (coding === undefined || coded === undefined) {
      this.#sendWhole(exchange, file, text, []);
      return;
    }
    coded.then(
      (bytes) => {
        this.#sendWhole(exchange, file, bytes, ['Content-Encoding', coding]);
      },
      () => {
        this.#sendWhole(exchange, file, text, []);
      },
    );
  }

  #sendBytes(exchange: Exchange, file: VirtualFile, bytes: Uint8Array): void {
    const range = selectRange(exchange, file, bytes.length, this.#common);
    if (range === undefined) return;
    if (range === 'whole') {
      this.#sendWhole(exchange, file, bytes, ACCEPTS_RANGES);
      return;
    }
    const part = bytes.subarray(range.start, range.end + 1);
    this.#finish(exchange, file, part, [...ACCEPTS_RANGES, ...partHeaders(range, bytes.length)], 206);
  }

  #sendWhole(exchange: Exchange, file: VirtualFile, body: string | Uint8Array, extra: HeaderList): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.#finish(exchange, file, body, [...extra, 'Content-Length', String(length)], 200);
  }

  /** @param extra - with the length */
  #finish(
    { request, response }: Exchange,
    file: VirtualFile,
    body: string | Uint8Array,
    extra: HeaderList,
    status: number,
  ): void {
    response.writeHead(status, [...this.#headers(file), 'Content-Type', file.contentType, ...extra]);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    file.sent?.(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
    response.end(body);
  }

  #headers(file: VirtualFile): string[] {
    const headers = [...this.#common, 'Cache-Control', file.cacheControl];
    if (file.etag !== undefined) headers.push('ETag', file.etag);
    if (mayBeCoded(file)) headers.push(...VARIES);
    return headers;
  }
}

/** Texts alone are coded; what differs each time is one. */
function mayBeCoded({ etag }: VirtualFile): boolean {
  return etag === undefined || etag.startsWith('W/');
}
