/** The parts of a request target that choose what is served. */
export interface RequestTarget {
  /** Percent-decoded and clean: starts with `/`, no empty, `.` or `..` segment; a trailing `/` stays. */
  readonly path: string;
  /** The path as it came, still encoded. */
  readonly rawPath: string;
  /** The query as it came, with its `?`, or an empty string. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** Lower-case host name without port: `?vhost=` when it is there, else the Host header; may be empty. */
  readonly host: string;
}

/**
 * Reads a request target in origin form (`/path?query`), RFC 9112 §3.2.1. Undefined when the path is not
 * clean (H002): no leading `/`, an empty, `.` or `..` segment, a backslash or a control character, encoded
 * ones included, or an encoding that is not UTF-8.
 */
export function readRequestTarget(target: string, hostHeader: string | undefined): RequestTarget | undefined {
  const queryAt = target.indexOf('?');
  const rawPath = queryAt < 0 ? target : target.slice(0, queryAt);
  const search = queryAt < 0 ? '' : target.slice(queryAt);
  const path = decodePath(rawPath);
  if (path === undefined || !isCleanPath(path)) {
    return undefined;
  }
  const query = new URLSearchParams(search);
  return { path, rawPath, search, query, host: hostName(query.get('vhost') ?? hostHeader ?? '') };
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

/** Whether a decoded path has no empty, `.` or `..` segment, no backslash and no control character. */
export function isCleanPath(path: string): boolean {
  if (!path.startsWith('/') || path.includes('//') || path.includes('\\')) {
    return false;
  }
  for (let index = 0; index < path.length; index += 1) {
    const unit = path.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) {
      return false;
    }
  }
  return !path.includes('/.') || path.split('/').every((segment) => segment !== '.' && segment !== '..');
}

/** `Live.Example.com:8080` → `live.example.com`; an IPv6 address keeps its brackets. */
export function hostName(hostHeader: string): string {
  const host = hostHeader.trim().toLowerCase();
  const portAt = host.lastIndexOf(':');
  return portAt < 0 || host.endsWith(']') ? host : host.slice(0, portAt);
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
