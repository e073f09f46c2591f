import { sendText } from './answer-head.ts';
import type { Exchange, HeaderList } from './answer-head.ts';
import { readRange } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import { evaluateConditions, rangeApplies } from './conditions.ts';
import type { Validators } from './conditions.ts';

/** Headers of answers that say nothing of a file, and of those that do. */
export interface FileHeaders {
  /** Of every answer. */
  readonly common: HeaderList;
  /** Of the file, whether or not it is sent: what a 304 has to repeat (RFC 9110 §15.4.5). */
  readonly file: HeaderList;
}

/** Answers 304 or 412 where the request's conditions want it (RFC 9110 §13); true then, and nothing is to be sent. */
export function answerByConditions(
  exchange: Exchange,
  validators: Validators,
  headers: FileHeaders,
): boolean {
  switch (evaluateConditions(exchange.request.headers, validators)) {
    case 'not-modified':
      exchange.response.writeHead(304, [...headers.file]);
      exchange.response.end();
      return true;
    case 'failed':
      sendText(exchange, 412, headers.common);
      return true;
    case 'send':
      return false;
  }
}

/**
 * The part of a representation that is asked for. Undefined when there is no such part, and 416 was answered.
 * `Range` counts for GET alone (RFC 9110 §14.2).
 *
 * @param size - of the whole, bytes
 * @param instead - taken for the `Range` of a request that has none, whatever its method
 */
export function selectRange(
  exchange: Exchange,
  validators: Validators,
  size: number,
  common: HeaderList,
  instead?: string,
): ByteRange | 'whole' | undefined {
  const { headers, method } = exchange.request;
  const asked = method === 'GET' ? headers.range : undefined;
  const range = rangeApplies(headers, validators) ? readRange(asked ?? instead, size) : 'whole';
  if (range !== 'unsatisfiable') return range;
  sendText(exchange, 416, [...common, 'Content-Range', `bytes */${size}`]);
  return undefined;
}

/** The headers of a part: 206 goes with them. */
export function partHeaders({ start, end }: ByteRange, size: number): HeaderList {
  return ['Content-Range', `bytes ${start}-${end}/${size}`, 'Content-Length', String(end - start + 1)];
}
