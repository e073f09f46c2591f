import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Header names and values in turn, as node writes them. */
export type HeaderList = readonly string[];

/** A request being answered with node's own response, past fastify. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The headers of every answer that does not go through fastify. */
export function commonHeaders(serverName: string, crossdomain: boolean): HeaderList {
  return crossdomain
    ? ['Server', serverName, 'Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', '*']
    : ['Server', serverName];
}

/** Answers with a status and a text for people, the status' own by default (H003). */
export function sendText(
  { request, response }: Exchange,
  status: number,
  headers: HeaderList,
  text = STATUS_CODES[status] ?? String(status),
): void {
  response.writeHead(status, [
    ...headers,
    'Content-Type',
    'text/plain; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(text)),
  ]);
  response.end(request.method === 'HEAD' ? undefined : text);
}
