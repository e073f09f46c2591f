import { RtmpError } from '../errors.ts';
import { parseTcUrl } from '../session/index.ts';

/** A whole RTMP URL, taken apart for a client. */
export interface RtmpUrl {
  /** Whether TLS is wanted (`rtmps`). */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** What `connect` sends. */
  readonly tcUrl: string;
  /** What `connect` sends as `app`: the path and query of `tcUrl`. */
  readonly app: string;
  /** What `play` and `publish` send; empty when the URL names no stream. */
  readonly streamName: string;
}

/**
 * Takes a URL apart: `rtmp://host[:port]/app/stream[?query]` or `rtmp://host/app?vhost=V/stream`, with `rtmp` or
 * `rtmps`. The app may have several segments; the stream is the last.
 *
 * @throws RtmpError `tc-url`
 */
export function parseRtmpUrl(url: string): RtmpUrl {
  const match = /^(rtmps?):\/\/([^/?]+)\/(.*)$/i.exec(url.trim());
  const authority = match?.[2] ?? '';
  const path = match?.[3] ?? '';
  if (match === null || path === '') {
    throw new RtmpError('tc-url', `URL must look like rtmp://host/app/stream, got ${JSON.stringify(url)}`);
  }
  const queryStart = path.indexOf('?');
  const head = queryStart < 0 ? path : path.slice(0, queryStart);
  // A slash before the query parts app and stream; else the query is the app's and the stream follows it.
  const split = head.includes('/') ? head.lastIndexOf('/') : path.lastIndexOf('/');
  const app = split < 0 ? path : path.slice(0, split);
  const scheme = (match[1] ?? '').toLowerCase();
  const tcUrl = `${scheme}://${authority}/${app}`;
  const { host, port } = parseTcUrl(tcUrl);
  return {
    secure: scheme === 'rtmps',
    host,
    port,
    tcUrl,
    app,
    streamName: split < 0 ? '' : path.slice(split + 1),
  };
}
