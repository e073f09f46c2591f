import { resolve } from 'node:path';
import { HttpServerError } from './errors.ts';
import { isCleanPath } from './request-target.ts';

/** A vhost's `http_static{}`: a directory served under a mount (H007). */
export interface StaticMount {
  readonly vhost: string;
  /** `[vhost]/path`; the part before the first `/` is the host, where `__defaultVhost__` means any host. */
  readonly mount: string;
  /** `[vhost]` in it is replaced. */
  readonly dir: string;
}

/** Where a request for static files leads; `dir` is absolute. */
export type StaticMatch =
  | { readonly kind: 'file'; readonly dir: string; readonly path: string }
  /** The mount itself without its trailing `/`: the client is sent there (H003). */
  | { readonly kind: 'redirect' };

/** Finds the directory of a request; made once from the configuration. */
export interface StaticMounts {
  /** `path` is clean and decoded; the path of a `file` answer is relative to its directory, with a leading `/`. */
  match(host: string, path: string): StaticMatch | undefined;
}

interface Pattern {
  readonly host: string;
  /** With a `/` at both ends. */
  readonly prefix: string;
  readonly dir: string;
}

const ANY_HOST = '__defaultVhost__';

/**
 * Compiles the mounts into patterns by SRS's rules (H002): the longest pattern wins and patterns with a host
 * beat those for any host. Throws {@link HttpServerError} `duplicate-mount` or `unclean-mount`.
 */
export function compileStaticMounts(mounts: readonly StaticMount[]): StaticMounts {
  const patterns = mounts.map(toPattern);
  patterns.sort((left, right) => {
    const byHost = Number(left.host === '') - Number(right.host === '');
    return byHost === 0 ? right.prefix.length - left.prefix.length : byHost;
  });
  const seen = new Set<string>();
  for (const { host, prefix } of patterns) {
    if (seen.has(host + prefix)) {
      throw new HttpServerError('duplicate-mount', `two directories are mounted at ${host}${prefix}`);
    }
    seen.add(host + prefix);
  }
  return {
    match: (host, path) => matchPatterns(patterns, host, path),
  };
}

function matchPatterns(patterns: readonly Pattern[], host: string, path: string): StaticMatch | undefined {
  for (const pattern of patterns) {
    if (pattern.host !== '' && pattern.host !== host) {
      continue;
    }
    if (path.startsWith(pattern.prefix)) {
      return { kind: 'file', dir: pattern.dir, path: path.slice(pattern.prefix.length - 1) };
    }
    if (path.length === pattern.prefix.length - 1 && pattern.prefix.startsWith(path)) {
      return { kind: 'redirect' };
    }
  }
  return undefined;
}

function toPattern({ vhost, mount, dir }: StaticMount): Pattern {
  const full = mount.replaceAll('[vhost]', vhost);
  const slashAt = full.indexOf('/');
  const host = slashAt < 0 ? full : full.slice(0, slashAt);
  const path = slashAt < 0 ? '/' : full.slice(slashAt);
  const prefix = path.endsWith('/') ? path : `${path}/`;
  if (!isCleanPath(prefix)) {
    throw new HttpServerError('unclean-mount', `the mount ${mount} of vhost ${vhost} is not a clean path`);
  }
  return {
    host: host === ANY_HOST ? '' : host.toLowerCase(),
    prefix,
    dir: resolve(dir.replaceAll('[vhost]', vhost)),
  };
}
