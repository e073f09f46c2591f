import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HeaderList } from './answer-head.ts';
import { directoryReference } from './request-target.ts';
import type { RequestTarget } from './request-target.ts';

/** What the built-in page tells people and plays by. */
export interface PlayerPageFacts {
  readonly version: string;
  /** The port to publish to. */
  readonly rtmpPort: number;
  /** The port to publish to over TLS; absent where there is none. */
  readonly rtmpsPort?: number | undefined;
  /** Where viewers reach the server, for the addresses that the page shows; absent where that is not known. */
  readonly publicUrl?: string;
  /** The same of RTMP. Its host may be empty: that of the page. */
  readonly rtmpPublicUrl?: string;
  /** Whether `/api/v1/streams` lists the streams here. */
  readonly listsStreams: boolean;
  /** The path of a live stream as FLV, with `[vhost]`, `[app]` and `[stream]`; absent when no vhost has one. */
  readonly flvMount?: string;
  /** The path of a live playlist, with `[vhost]`, `[app]` and `[stream]`; absent when no vhost has HLS. */
  readonly hlsMount?: string;
}

const PAGE_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/index.html',
  '/players/',
  '/players/index.html',
  '/players/srs_player.html',
]);

const ASSETS: ReadonlySet<string> = new Set([
  'address.js',
  'api.js',
  'codecs.js',
  'engines.js',
  'format.js',
  'icon.svg',
  'keys.js',
  'level.js',
  'page.css',
  'page.js',
  'player.js',
  'transports.js',
  'view.js',
]);

/** The page names its files relatively, so that it works below any path: each of its directories has them. */
const ASSET_PATH = /^(\/players)?\/assets\/([^/]+)$/;

/** `packages/server/public`, seen from the sources and from the built files alike. */
const PUBLIC_DIRECTORY = fileURLToPath(new URL('../../../public', import.meta.url));

/** What the built-in page has under a path. */
export type PlayerPageAnswer =
  | { readonly kind: 'file'; readonly path: string; readonly headers: HeaderList }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'facts'; readonly root: string };

/**
 * The built-in page, the layer beneath every directory: it answers `/` and `/players/` when nothing else does.
 * Undefined when the path is not one of its own.
 */
export function playerPageAnswer(target: RequestTarget): PlayerPageAnswer | undefined {
  const { path } = target;
  if (PAGE_PATHS.has(path)) {
    const headers = [
      ...['Content-Security-Policy', contentSecurityPolicy(target.query)],
      ...['X-Content-Type-Options', 'nosniff', 'Referrer-Policy', 'no-referrer'],
    ];
    return { kind: 'file', path: join(PUBLIC_DIRECTORY, 'index.html'), headers };
  }
  if (path === '/players') {
    return { kind: 'redirect', location: directoryReference(target) };
  }
  const [, directory, name] = ASSET_PATH.exec(path) ?? [];
  if (name === undefined) {
    return undefined;
  }
  if (name === 'page.json') {
    // Only the server knows which part of the address is a proxy's prefix.
    return { kind: 'facts', root: directory === undefined ? '../' : '../../' };
  }
  const library = libraryFile(name);
  if (library !== undefined) {
    return { kind: 'file', path: library, headers: [] };
  }
  return ASSETS.has(name)
    ? { kind: 'file', path: join(PUBLIC_DIRECTORY, 'assets', name), headers: [] }
    : undefined;
}

/** The players that the page loads, out of their packages. */
function libraryFile(name: string): string | undefined {
  switch (name) {
    case 'mpegts.js':
      return createRequire(import.meta.url).resolve('mpegts.js');
    case 'hls.js':
      return createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');
    default:
      return undefined;
  }
}

/**
 * Everything from this server and nothing inline; media comes from MediaSource objects. `?server=` and
 * `?port=` (W001) let the page watch another server: then that one address is allowed too.
 */
export function contentSecurityPolicy(query: URLSearchParams): string {
  const other = otherServer(query);
  const connect =
    other === undefined ? "'self'" : `'self' http://${other} https://${other} ws://${other} wss://${other}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${connect}`,
    "media-src 'self' blob:",
    // hls.js takes its worker from a blob.
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
}

function otherServer(query: URLSearchParams): string | undefined {
  const server = query.get('server');
  const port = query.get('port') ?? '8080';
  if (server === null || !/^[a-z0-9.-]{1,253}$/i.test(server) || !/^\d{1,5}$/.test(port)) {
    return undefined;
  }
  return `${server}:${port}`;
}
