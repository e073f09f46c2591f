import { BenchError } from './errors.ts';

/** What the load client speaks: RTMP, FLV over HTTP, FLV over WebSocket, or nothing at all (just read). */
export type TargetProtocol = 'rtmp' | 'http' | 'ws' | 'floor';

const DEFAULT_PORTS = { rtmp: 1935, http: 80, ws: 80, floor: 1934 } as const;

/** A URL taken apart for the load client. */
export interface Target {
  readonly protocol: TargetProtocol;
  /** The URL as it was given. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** RTMP: the application, with its query if it stood there. Else empty. */
  readonly app: string;
  /** RTMP: the stream name, with its query. Else empty. */
  readonly stream: string;
  /** RTMP: the tcUrl of `connect`. Else empty. */
  readonly tcUrl: string;
  /** HTTP and WebSocket: path and query. Else empty. */
  readonly path: string;
}

/**
 * Takes a URL apart: `rtmp://host[:1935]/app/stream`, `http://host/app/stream.flv`, `ws://…`, or
 * `floor://host:port`, which connects and reads without a protocol. The last segment of an RTMP path is the
 * stream, the rest is the application.
 * @throws BenchError `bad-option`
 */
export function parseTarget(url: string): Target {
  const match = /^(rtmp|http|ws|floor):\/\/(\[[0-9a-fA-F:.]+\]|[^/:?#]+)(?::(\d+))?(\/.*)?$/.exec(url);
  const protocol = match?.[1] as TargetProtocol | undefined;
  if (match === null || protocol === undefined) {
    throw new BenchError(
      'bad-option',
      `cannot use the URL ${JSON.stringify(url)}: it must start with rtmp://, http:// or ws:// and a host`,
    );
  }
  const authority = match[2] ?? '';
  const host = authority.replace(/^\[|\]$/g, '');
  const port = match[3] === undefined ? DEFAULT_PORTS[protocol] : Number(match[3]);
  if (port < 1 || port > 65535) {
    throw new BenchError(
      'bad-option',
      `cannot use the URL ${JSON.stringify(url)}: port ${port} is not 1 to 65535`,
    );
  }
  const path = match[4] ?? '/';
  const base = { protocol, url, host, port, app: '', stream: '', tcUrl: '', path: '' };
  if (protocol === 'floor') return base;
  if (protocol !== 'rtmp') return { ...base, path };

  const queryAt = path.indexOf('?');
  const pathEnd = queryAt < 0 ? path.length : queryAt;
  const slash = path.lastIndexOf('/', pathEnd - 1);
  const app = path.slice(1, slash);
  const stream = path.slice(slash + 1);
  if (app === '' || stream === '' || stream.startsWith('?')) {
    throw new BenchError(
      'bad-option',
      `cannot use the URL ${JSON.stringify(url)}: an RTMP URL is rtmp://host/app/stream`,
    );
  }
  return { ...base, app, stream, tcUrl: `rtmp://${authority}:${port}/${app}` };
}

/**
 * The target with `{n}` in its stream name or path replaced by a number, so that each publisher gets a stream
 * of its own; the same target when there is no `{n}`.
 */
export function numberedTarget(target: Target, number: number): Target {
  return {
    ...target,
    stream: target.stream.replaceAll('{n}', String(number)),
    path: target.path.replaceAll('{n}', String(number)),
  };
}

/** Whether the target answers with MPEG-TS: its path ends in `.ts`. */
export function isTransportStream({ path }: Target): boolean {
  return /\.ts(\?|$)/.test(path);
}
