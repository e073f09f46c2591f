import { RtmpError } from '../errors.ts';

/** A `tcUrl`, taken apart. */
export interface TcUrl {
  /** `rtmp`, `rtmps`, … in lower case. */
  readonly scheme: string;
  /** Host as written, without the brackets of an IPv6 address. */
  readonly host: string;
  /** TCP port; the scheme's own (1935, `rtmps` 443) when the URL has none. */
  readonly port: number;
  /** The virtual host that is asked for: a `vhost` parameter, else the host. */
  readonly vhost: string;
  /** Application name, without query and without slashes and blanks around it; may contain `/`. */
  readonly app: string;
  /** The query with its `?`, as written; empty when there is none. */
  readonly param: string;
}

/** A `tcUrl` and a stream name, taken apart together. */
export interface StreamUrl extends TcUrl {
  /** Stream name without its query and without slashes and blanks around it. */
  readonly stream: string;
}

const defaultPorts: Readonly<Record<string, number>> = { rtmp: 1935, rtmps: 443, rtmpe: 1935, rtmpt: 80 };

/**
 * Takes a `tcUrl` apart by the rules of R032 and R033: `rtmp://host[:port]/app[?vhost=V]`, where `?`, `...`,
 * `,`, `&&` and `=` all separate the app, the word `vhost` and its value.
 *
 * @param fallbackApp the `app` of the `connect` command, used when the URL's path names none
 * @throws RtmpError `tc-url` when there is no host, a bad port or no app at all
 */
export function parseTcUrl(tcUrl: string, fallbackApp = ''): TcUrl {
  const schemeEnd = tcUrl.indexOf('://');
  if (schemeEnd <= 0) {
    throw new RtmpError('tc-url', `tcUrl must look like rtmp://host/app, got ${quote(tcUrl)}`);
  }
  const scheme = tcUrl.slice(0, schemeEnd).trim().toLowerCase();
  const rest = tcUrl.slice(schemeEnd + 3);
  const authorityEnd = rest.search(/[/?]/);
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  const path =
    authorityEnd < 0 ? '' : rest.slice(rest[authorityEnd] === '/' ? authorityEnd + 1 : authorityEnd);
  const { host, port } = parseAuthority(authority, scheme, tcUrl);
  let resolved = splitApp(path);
  if (resolved.app === '') {
    const fallback = splitApp(fallbackApp);
    resolved = {
      app: fallback.app,
      param: resolved.param === '' ? fallback.param : resolved.param,
      vhost: resolved.vhost === '' ? fallback.vhost : resolved.vhost,
    };
  }
  if (resolved.app === '') {
    throw new RtmpError('tc-url', `tcUrl names no app: ${quote(tcUrl)}`);
  }
  const vhost = resolved.vhost === '' ? host : resolved.vhost;
  return { scheme, host, port, vhost, app: resolved.app, param: resolved.param };
}

/**
 * Adds the stream name of `play` or `publish` to a parsed `tcUrl`. A query on the name (`name?vhost=V&token=x`)
 * is taken off it: its `vhost` wins over the URL's, and its text joins `param` (R033).
 *
 * @throws RtmpError `stream-name` when no name is left
 */
export function resolveStreamUrl(tcUrl: TcUrl, streamName: string): StreamUrl {
  const queryStart = streamName.indexOf('?');
  const name = trimName(queryStart < 0 ? streamName : streamName.slice(0, queryStart));
  if (name === '') {
    throw new RtmpError('stream-name', `stream name is empty in ${quote(streamName)}`);
  }
  const query = queryStart < 0 ? '' : streamName.slice(queryStart);
  const vhost = findVhost(query.slice(1).split(/[?&=]+/));
  return {
    scheme: tcUrl.scheme,
    host: tcUrl.host,
    port: tcUrl.port,
    vhost: vhost === '' ? tcUrl.vhost : vhost,
    app: tcUrl.app,
    stream: name,
    param: joinParams(tcUrl.param, query),
  };
}

function parseAuthority(authority: string, scheme: string, tcUrl: string): { host: string; port: number } {
  const at = authority.lastIndexOf('@');
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(authority.slice(at + 1).trim());
  const host = match?.[1] ?? match?.[2] ?? '';
  if (host === '') {
    throw new RtmpError('tc-url', `tcUrl has no usable host: ${quote(tcUrl)}`);
  }
  const digits = match?.[3] ?? '';
  const port = digits === '' ? (defaultPorts[scheme] ?? 1935) : Number(digits);
  if (port < 1 || port > 65_535) {
    throw new RtmpError('tc-url', `tcUrl's port must be 1..65535, got ${digits}`);
  }
  return { host, port };
}

function splitApp(path: string): { app: string; param: string; vhost: string } {
  const queryStart = path.indexOf('?');
  const fields = path.split(/\?|\.\.\.|,|&&|&|=/);
  return {
    app: trimName(fields[0] ?? ''),
    param: queryStart < 0 ? '' : path.slice(queryStart),
    vhost: findVhost(fields.slice(1)),
  };
}

/** The field that follows the word `vhost`, up to a slash. */
function findVhost(fields: readonly string[]): string {
  const at = fields.indexOf('vhost');
  const value = at < 0 ? '' : (fields[at + 1] ?? '');
  return trimName(value.split('/')[0] ?? '');
}

function joinParams(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first}&${second.slice(1)}`;
}

/** Takes blanks and slashes off both ends, in one pass each. */
function trimName(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isTrimmed(text.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isTrimmed(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}

function isTrimmed(code: number): boolean {
  return code === 0x20 || code === 0x2f;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
