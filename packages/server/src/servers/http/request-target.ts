import { vhostInQuery } from '../../config/index.ts';

/** The parts of a request target that choose what is served. */
export interface RequestTarget {
  /**
   * Percent-decoded and clean: starts with `/`, no empty, `.` or `..` segment; a trailing `/` stays. Names of
   * streams may have anything else in them, control characters too, but not zero.
   */
  readonly path: string;
  /**
   * The path as files are named: control characters and backslashes, which a stream's name may have but a
   * file's name should not, are written `%XX`, as they are where the stream is recorded. So a stream `a<TAB>b`
   * is found at `/live/a%09b.m3u8`, by its own name, and at `/live/a%2509b.m3u8`, by the name of its file. A
   * percent sign stands for itself: what looks like an escape is taken as the file's name.
   */
  readonly filePath: string;
  /** The path as it came, still encoded; bytes beyond ASCII are encoded, too. */
  readonly rawPath: string;
  /** The query as it came, with its `?`, or an empty string; bytes beyond ASCII are encoded. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** Lower-case host name without port: `?vhost=` or else `?domain=` when it is there, else the Host header; may be empty. */
  readonly host: string;
}

/**
 * Reads a request target in origin form (`/path?query`), RFC 9112 §3.2.1. Undefined when the path is not
 * clean (H002): no leading `/`, an empty, `.` or `..` segment, encoded ones included, a zero character, or an
 * encoding that is not UTF-8. Bytes beyond ASCII that are not encoded are taken as UTF-8.
 */
export function readRequestTarget(target: string, hostHeader: string | undefined): RequestTarget | undefined {
  const ascii = encodeBytes(target);
  const queryAt = ascii.indexOf('?');
  const rawPath = queryAt < 0 ? ascii : ascii.slice(0, queryAt);
  const search = queryAt < 0 ? '' : ascii.slice(queryAt);
  const path = decodePath(rawPath);
  return path === undefined || !hasCleanSegments(path)
    ? undefined
    : new ReadTarget(path, rawPath, search, hostHeader ?? '');
}

/** Reads the query when it is asked for: most requests have none. */
class ReadTarget implements RequestTarget {
  readonly path: string;
  readonly filePath: string;
  readonly rawPath: string;
  readonly search: string;
  readonly host: string;
  #query: URLSearchParams | undefined;

  constructor(path: string, rawPath: string, search: string, hostHeader: string) {
    this.path = path;
    this.filePath = asFileName(path);
    this.rawPath = rawPath;
    this.search = search;
    this.host = hostName((search === '' ? undefined : vhostInQuery(this.query)) ?? hostHeader);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.search);
    return this.#query;
  }
}

/**
 * The origin form of a request target: an absolute one (`http://host/path`), which a proxy sends and every
 * server must take (RFC 9112 §3.2.2), loses its scheme and authority.
 */
export function originForm(target: string): string {
  const match = /^https?:\/\/[^/?#]*/i.exec(target);
  if (match === null) {
    return target;
  }
  const rest = target.slice(match[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * The target of a GET or HEAD that has bytes beyond ASCII in it, with these encoded. Node's parser refuses such
 * a request, but ffmpeg and others send the name of a stream just as it was typed. Undefined for any other
 * packet, and for one that does not hold the whole request line.
 */
export function encodedTarget(packet: Uint8Array): string | undefined {
  const text = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength).toString('latin1');
  const target = /^(?:GET|HEAD) (\/[\x21-\x7e\x80-\xff]*) HTTP\/1\.[01]\r?\n/.exec(text)?.[1];
  const encoded = target === undefined ? undefined : encodeBytes(target);
  return encoded === target ? undefined : encoded;
}

/**
 * Where a directory that was asked for without its slash is: a relative reference, so that it is right behind a proxy
 * that has taken a prefix off the path.
 */
export function directoryReference({ rawPath, search }: RequestTarget): string {
  const name = rawPath.slice(rawPath.lastIndexOf('/') + 1);
  // A name with a colon would be read as a scheme.
  return `${name.includes(':') ? './' : ''}${name}/${search}`;
}

/** Whether a decoded path has no empty, `.` or `..` segment, no backslash and no control character. */
export function isCleanPath(path: string): boolean {
  return hasCleanSegments(path) && asFileName(path) === path;
}

/** `Live.Example.com:8080` → `live.example.com`; an IPv6 address keeps its brackets. */
export function hostName(hostHeader: string): string {
  const host = hostHeader.trim().toLowerCase();
  const portAt = host.lastIndexOf(':');
  return portAt < 0 || host.endsWith(']') ? host : host.slice(0, portAt);
}

function hasCleanSegments(path: string): boolean {
  if (!path.startsWith('/') || path.includes('//') || path.includes('\0')) {
    return false;
  }
  return !path.includes('/.') || path.split('/').every((segment) => segment !== '.' && segment !== '..');
}

function asFileName(path: string): string {
  return needsFileName(path) ? path.replace(/[\p{Cc}\\]/gu, escapeUnit) : path;
}

function needsFileName(path: string): boolean {
  for (let index = 0; index < path.length; index += 1) {
    const unit = path.charCodeAt(index);
    if (unit < 0x20 || unit === 0x5c || (unit >= 0x7f && unit < 0xa0)) {
      return true;
    }
  }
  return false;
}

/** Node gives each byte of a target as one character. */
function encodeBytes(target: string): string {
  return target.replace(/[\x80-\xff]/g, escapeUnit);
}

function escapeUnit(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function decodePath(rawPath: string): string | undefined {
  if (!rawPath.includes('%')) {
    return rawPath;
  }
  try {
    return decodeURIComponent(rawPath);
  } catch {
    return undefined;
  }
}
