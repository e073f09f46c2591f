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

/** The app of a `tcUrl` that names none, as in SRS. */
const defaultApp = '__defaultApp__';

/** The application instance that FMLE and Wowza write into the path when there is no other: it stands for none. */
const defaultInstance = '_definst_';

const defaultPorts: Readonly<Record<string, number>> = { rtmp: 1935, rtmps: 443, rtmpe: 1935, rtmpt: 80 };

/**
 * Takes a `tcUrl` apart as SRS and Flash Media Server do: `rtmp://host[:port]/app[?vhost=V]`, where `?`, `...`,
 * `,`, `&&` and `=` all separate the app, the word `vhost` and its value. `domain=V` in the query is a vhost, too,
 * when there is no `vhost`. `/_definst_` is left out of the app, and an app that nobody names is `__defaultApp__`.
 *
 * @param fallbackApp the `app` of the `connect` command, used when the URL's path names none
 * @throws RtmpError `tc-url` when there is no host or a bad port
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
  const vhost = resolved.vhost === '' ? host : resolved.vhost;
  const app = resolved.app === '' ? defaultApp : resolved.app;
  return { scheme, host, port, vhost, app, param: resolved.param };
}

/**
 * Adds the stream name of `play` or `publish` to a parsed `tcUrl`. A query on the name (`name?vhost=V&token=x`)
 * is taken off it: its `vhost` (or `domain`) wins over the URL's, and its text joins `param`. An empty name
 * is looked for in the URL, see {@link guessStream}.
 *
 * @throws RtmpError `stream-name` when no name is found
 */
export function resolveStreamUrl(tcUrl: TcUrl, streamName: string): StreamUrl {
  const queryStart = streamName.indexOf('?');
  const name = trimName(queryStart < 0 ? streamName : streamName.slice(0, queryStart));
  const query = queryStart < 0 ? '' : streamName.slice(queryStart);
  const { app, stream, param } =
    name === '' ? guessStream(tcUrl) : { app: tcUrl.app, stream: name, param: tcUrl.param };
  if (stream === '') {
    throw new RtmpError('stream-name', `stream name is empty in ${quote(streamName)}`);
  }
  const vhost = findVhost(query);
  return {
    scheme: tcUrl.scheme,
    host: tcUrl.host,
    port: tcUrl.port,
    vhost: vhost === '' ? tcUrl.vhost : vhost,
    app,
    stream,
    param: joinParams(param, query),
  };
}

/**
 * Where encoders that were given the whole URL as their server's have the stream's name, as SRS guesses it: behind
 * the first slash of the app (`rtmp://host/live/name`), else behind that of the query
 * (`rtmp://host/live?k=v/name`). `stream` is empty when the URL has it in neither.
 */
function guessStream({ app, param }: TcUrl): { app: string; stream: string; param: string } {
  const inApp = app.indexOf('/');
  if (inApp >= 0) {
    return { app: trimName(app.slice(0, inApp)), stream: trimName(app.slice(inApp)), param };
  }
  const { stream, query } = streamBehindQuery(param);
  return { app, stream, param: query };
}

/**
 * Takes the stream's name off a query of the form `?k=v/name`; a query behind the name joins the first one.
 * `stream` is empty when there is no name.
 */
export function streamBehindQuery(param: string): { stream: string; query: string } {
  const slash = param.indexOf('/');
  if (slash < 0) {
    return { stream: '', query: param };
  }
  const rest = param.slice(slash);
  const queryStart = rest.indexOf('?');
  const name = queryStart < 0 ? rest : rest.slice(0, queryStart);
  const query = queryStart < 0 ? '' : rest.slice(queryStart);
  return { stream: trimName(name), query: joinParams(param.slice(0, slash), query) };
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
  const query = queryStart < 0 ? '' : path.slice(queryStart);
  const appEnd = path.search(/\?|\.\.\.|,|&|=/);
  const app = appEnd < 0 ? path : path.slice(0, appEnd);
  return {
    app: trimName(app),
    param: query,
    vhost: appEnd < 0 ? '' : findVhost(path.slice(appEnd)),
  };
}

/**
 * The value of `vhost` in what follows a name, up to a slash; else that of `domain`, which only a query has.
 * Empty when there is neither.
 */
function findVhost(rest: string): string {
  if (rest === '') {
    return '';
  }
  const fields = rest.split(/\?|\.\.\.|,|&&|&|=/);
  const at = fields.indexOf('vhost');
  const value = at < 0 ? /[?&]domain=([^?&,=]*)/.exec(rest)?.[1] : fields[at + 1];
  return trimName(value?.split('/')[0] ?? '');
}

function joinParams(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first}&${second.slice(1)}`;
}

/** Takes blanks and slashes off both ends, and `_definst_` out of the path. */
function trimName(text: string): string {
  const trimmed = trimEnds(text);
  if (!trimmed.includes(defaultInstance)) {
    return trimmed;
  }
  const segments = trimmed.split('/').filter((segment) => trimEnds(segment) !== defaultInstance);
  return trimEnds(segments.join('/'));
}

/** In one pass for each end. */
function trimEnds(text: string): string {
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
