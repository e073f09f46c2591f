import type { VhostConfig } from '../../config/index.ts';
import { newSessionId, plainAddress } from '../../log/index.ts';
import { type ClientRequest, referAllows, type Verdict } from '../../security/index.ts';
import type { EndReason } from '../../stats/index.ts';
import type {
  HlsAnswer,
  HlsContext,
  HlsFile,
  HlsItem,
  HlsPlaylist,
  HlsRequest,
  HlsSegment,
} from './context.ts';
import { DEFAULT_HLS_LIMITS, type HlsLimits } from './limits.ts';
import { masterPlaylist } from './master-playlist.ts';
import { pageUrlOf } from './viewer.ts';
import { segmentQuery, viewerIdOf } from './viewer-id.ts';
import { HlsViewers } from './viewers.ts';

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/**
 * Live HLS over HTTP, out of memory. With `hls_ctx` a playlist without a viewer's id is a small master
 * playlist, made for this one request, that leads to the same playlist with an id; who asks with an id is one
 * viewer, from its first request until it asks for nothing any more.
 */
export class HlsDoor {
  readonly #context: HlsContext;
  readonly #viewers: HlsViewers;

  constructor(context: HlsContext, limits: Partial<HlsLimits> = {}) {
    this.#context = context;
    this.#viewers = new HlsViewers(context, { ...DEFAULT_HLS_LIMITS, ...limits });
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** The answer to a request that is for HLS, else undefined. It is asked for every GET and HEAD. */
  find(request: HlsRequest): HlsAnswer | undefined {
    const item = this.#findItem(request);
    if (item === undefined) return this.#findOnDisk(request);
    const vhost = this.#context.findVhost(item.stream.vhost);
    if (vhost?.refer.enabled === true && !isAllowed(vhost, request)) {
      if (item.kind === 'playlist') this.#logRefusal(item, request);
      return { refused: 403 };
    }
    return item.kind === 'playlist'
      ? this.#gatedPlaylist(item, request, vhost)
      : this.#segment(item, request, vhost);
  }

  /** Ends a viewer by its id; false when there is none. */
  closeViewer(id: string, reason: EndReason): boolean {
    return this.#viewers.closeViewer(id, reason);
  }

  /** The configuration has changed. */
  reconfigured(): void {
    this.#viewers.reconfigured();
  }

  /** Ends all viewers. */
  close(): void {
    this.#viewers.close();
  }

  #findItem(request: HlsRequest): HlsItem | undefined {
    const { source } = this.#context;
    const item = request.file === undefined ? undefined : source.findFile(request.file);
    if (item !== undefined) return item;
    const vhost = this.#context.findVhost(request.host);
    return vhost === undefined ? undefined : source.findUrl(vhost.name, request.path);
  }

  /** A segment that is no longer in memory still counts for the viewer who fetches it. */
  #findOnDisk({ search }: HlsRequest): HlsAnswer | undefined {
    const id = viewerIdOf(search);
    const viewer = id === undefined ? undefined : this.#viewers.find(id);
    return viewer === undefined ? undefined : { onDisk: viewer };
  }

  /**
   * Asks the gates for a viewer that is new, and, where viewers can't be told apart, each time. The master playlist
   * tells nothing that needs a guard.
   */
  #gatedPlaylist(playlist: HlsPlaylist, request: HlsRequest, vhost: VhostConfig | undefined): HlsAnswer {
    const id = viewerIdOf(request.search);
    const known = playlist.sessions && (id === undefined || this.#viewers.find(id) !== undefined);
    if (known || vhost === undefined) return this.#playlist(playlist, request, undefined);
    const client = clientOf(id ?? newSessionId(), vhost, playlist, request);
    const decide = (verdict: Verdict): HlsAnswer => {
      if (verdict === undefined) return this.#playlist(playlist, request, client);
      const { app, stream } = playlist.stream;
      const { reason, detail } = verdict;
      this.#context.log.info(`refused: ${reason} (${detail}), hls-play ${app}/${stream} from ${client.ip}`);
      return { refused: 403 };
    };
    const verdict = this.#context.gates.check('play', client);
    return verdict instanceof Promise ? { pending: verdict.then(decide) } : decide(verdict);
  }

  #playlist(playlist: HlsPlaylist, request: HlsRequest, client: ClientRequest | undefined): HlsFile {
    if (!playlist.sessions) return plainPlaylist(playlist, segmentQuery(request.search, undefined));
    const id = viewerIdOf(request.search);
    if (id === undefined) return newViewersPlaylist(playlist, request);
    const viewer =
      request.method === 'GET' ? this.#viewers.keep(id, playlist, request, client) : this.#viewers.find(id);
    const query =
      viewer?.segmentQuery ?? segmentQuery(request.search, playlist.segmentSessions ? id : undefined);
    return {
      contentType: PLAYLIST_TYPE,
      cacheControl: 'no-cache',
      etag: `W/"${playlist.version}"`,
      shared: false,
      content: () => playlist.text(query),
      ...(viewer === undefined ? {} : { sent: viewer.sent }),
    };
  }

  #segment(segment: HlsSegment, request: HlsRequest, vhost: VhostConfig | undefined): HlsAnswer {
    const id = viewerIdOf(request.search);
    const viewer = id === undefined ? undefined : this.#viewers.find(id);
    if (viewer === undefined && vhost !== undefined && isForKnownViewers(vhost)) return { refused: 403 };
    return {
      contentType: segment.contentType,
      cacheControl: segment.kind === 'key' ? 'no-store' : cacheControlOfSegments(vhost),
      etag: `"${segment.version}"`,
      shared: true,
      content: () => segment.bytes,
      ...(viewer === undefined ? {} : { sent: viewer.sent }),
    };
  }

  #logRefusal({ stream }: HlsPlaylist, request: HlsRequest): void {
    const name = `${stream.vhost}/${stream.app}/${stream.stream}`;
    const who = `${plainAddress(request.remoteAddress)} on page '${pageUrlOf(request)}'`;
    this.#context.log.info(`refused: refer-denied, hls-play ${name} from ${who}`);
  }
}

/** The client that a viewer's request stands for. */
function clientOf(
  id: string,
  vhost: VhostConfig,
  { stream: { app, stream } }: HlsPlaylist,
  request: HlsRequest,
): ClientRequest {
  const ip = plainAddress(request.remoteAddress);
  const tcUrl = `http://${request.headers.host ?? request.host}/${app}`;
  return { id, ip, vhost, app, stream, param: request.search, tcUrl, pageUrl: pageUrlOf(request) };
}

/** Where players are let in one by one and tell who they are, a segment is for those who were let in. */
function isForKnownViewers({ hls, httpHooks, security, token }: VhostConfig): boolean {
  if (!hls.context || !hls.segmentContext) return false;
  return (
    security.enabled || (token.enabled && token.play) || (httpHooks.enabled && httpHooks.onPlay.length > 0)
  );
}

function isAllowed(vhost: VhostConfig, request: HlsRequest): boolean {
  const pageUrl = pageUrlOf(request);
  return referAllows(vhost.refer, 'all', pageUrl) && referAllows(vhost.refer, 'play', pageUrl);
}

/** The same text for everyone: caches on the way may keep it for a moment. */
function plainPlaylist(playlist: HlsPlaylist, query: string): HlsFile {
  return {
    contentType: PLAYLIST_TYPE,
    cacheControl: 'public, max-age=1',
    etag: `W/"${playlist.version}"`,
    shared: true,
    content: () => playlist.text(query),
  };
}

/** Each request gets an id of its own: nobody may keep the answer. */
function newViewersPlaylist(playlist: HlsPlaylist, request: HlsRequest): HlsFile {
  return {
    contentType: PLAYLIST_TYPE,
    cacheControl: 'no-store',
    etag: undefined,
    shared: false,
    content: () => masterPlaylist(playlist, request, newSessionId()),
  };
}

/** A segment never changes, and is asked for while it is in the playlist. */
function cacheControlOfSegments(vhost: VhostConfig | undefined): string {
  const seconds = Math.max(1, Math.ceil((vhost?.hls.windowMs ?? 1_000) / 1000));
  return `public, max-age=${seconds}, immutable`;
}
