import { refusalByPage } from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import { newSessionId, plainAddress } from '../../log/index.ts';
import {
  type ClientRequest,
  isGuarded,
  pageUrlOf,
  type Refusal,
  type Verdict,
} from '../../security/index.ts';
import type { VirtualAnswer, VirtualFile, VirtualFiles, VirtualRequest } from '../http/index.ts';
import type { HlsContext, HlsItem, HlsPlaylist, HlsSegment } from './context.ts';
import { DEFAULT_HLS_VIEWER_TIMES, type HlsViewerTimes } from './viewer-times.ts';
import { masterPlaylist } from './master-playlist.ts';
import { type StoredPlaylist, storedPlaylist } from './stored-playlist.ts';
import type { HlsViewer } from './viewer.ts';
import { segmentQuery, viewerIdOf } from './viewer-id.ts';
import { HlsViewers } from './viewers.ts';

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/**
 * Live HLS over HTTP, out of memory. With `hls_ctx` a playlist without a viewer's id is a small master
 * playlist, made for this one request, that leads to the same playlist with an id; who asks with an id is one
 * viewer, from its first request until it asks for nothing any more.
 */
export class HlsHandler implements VirtualFiles {
  readonly #context: HlsContext;
  readonly #viewers: HlsViewers;
  /** Viewers that somebody is being asked about, by id and stream. */
  readonly #asking = new Map<string, Promise<Verdict>>();

  constructor(context: HlsContext, times: Partial<HlsViewerTimes> = {}) {
    this.#context = context;
    this.#viewers = new HlsViewers(context, { ...DEFAULT_HLS_VIEWER_TIMES, ...times });
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** The answer to a request that is for HLS, else undefined. It is asked for every GET and HEAD. */
  find(request: VirtualRequest): VirtualAnswer | undefined {
    const item = this.#findItem(request);
    return item === undefined ? this.#findOnDisk(request) : this.#answer(item, request);
  }

  /**
   * The answer to a request whose file has another path than its address says; undefined when that is not in memory.
   *
   * @param path - as the source names it
   */
  findFile(path: string, request: VirtualRequest): VirtualAnswer | undefined {
    const item = this.#context.source.findFile(path);
    return item === undefined ? undefined : this.#answer(item, request);
  }

  /** The answer to a request for a playlist that is on disk only, by the rules for one in memory. */
  stored(playlist: StoredPlaylist, vhost: VhostConfig, request: VirtualRequest): VirtualAnswer {
    return this.#answer(storedPlaylist(playlist, vhost.hls), request);
  }

  /**
   * The answer to a request for a segment or key that is on disk only, by the rules for one in memory; undefined where
   * viewers can't be told apart.
   */
  storedSegment(stream: StreamId, vhost: VhostConfig, request: VirtualRequest): VirtualAnswer | undefined {
    if (refusalByPage('play', vhost, pageUrlOf(request.headers)) !== undefined) return { refused: 403 };
    const viewer = this.#viewerOf(viewerIdOf(request.search), stream);
    if (viewer !== undefined) return { onDisk: viewer };
    return isForKnownViewers(vhost) ? { refused: 403 } : undefined;
  }

  /** Nobody learns more of a guarded stream than that there is nothing. */
  absence({ host, file, path }: VirtualRequest): string | undefined {
    const vhost = this.#context.findVhost(host);
    if (vhost === undefined || vhost.refer.enabled || isGuarded(vhost)) return undefined;
    return this.#context.source.absenceAt(vhost.name, file, path);
  }

  /** The stream that has written a file in this run and still looks after it. */
  ownerOf(path: string): StreamId | undefined {
    return this.#context.source.ownerOf(path);
  }

  #answer(item: HlsItem, request: VirtualRequest): VirtualAnswer {
    const vhost = this.#context.findVhost(item.stream.vhost);
    // Nobody knows the rules of a vhost that is gone.
    if (vhost === undefined) return { refused: 404 };
    const refusal = refusalByPage('play', vhost, pageUrlOf(request.headers));
    if (refusal === undefined) {
      return item.kind === 'playlist'
        ? this.#guardedPlaylist(item, request, vhost)
        : this.#segment(item, request, vhost);
    }
    const ip = plainAddress(request.remoteAddress);
    return item.kind === 'playlist' ? this.#refuse(refusal, item, { ip }) : { refused: 403 };
  }

  #findItem(request: VirtualRequest): HlsItem | undefined {
    const { source } = this.#context;
    const item = request.file === undefined ? undefined : source.findFile(request.file);
    if (item !== undefined) return item;
    const vhost = this.#context.findVhost(request.host);
    return vhost === undefined ? undefined : source.findUrl(vhost.name, request.path);
  }

  /** A segment that is no longer in memory still counts for the viewer who fetches it. */
  #findOnDisk({ search }: VirtualRequest): VirtualAnswer | undefined {
    const id = viewerIdOf(search);
    const viewer = id === undefined ? undefined : this.#viewers.find(id);
    return viewer === undefined ? undefined : { onDisk: viewer };
  }

  /**
   * Asks for a viewer that is new whether it may play, and, where viewers can't be told apart, each time. The master
   * playlist tells nothing that needs a guard.
   */
  #guardedPlaylist(playlist: HlsPlaylist, request: VirtualRequest, vhost: VhostConfig): VirtualAnswer {
    const id = viewerIdOf(request.search);
    if (playlist.sessions && id === undefined) return newViewersPlaylist(playlist, request);
    if (playlist.sessions && this.#viewerOf(id, playlist.stream) !== undefined) {
      return this.#playlist(playlist, request, vhost, undefined);
    }
    const client = clientOf(id ?? newSessionId(), vhost, playlist, request);
    const decide = (verdict: Verdict): VirtualAnswer =>
      verdict === undefined
        ? this.#playlist(playlist, request, vhost, client)
        : this.#refuse(verdict, playlist, client);
    const key = id === undefined ? undefined : `${id} ${vhost.name}/${client.app}/${client.stream}`;
    const asking = key === undefined ? undefined : this.#asking.get(key);
    if (asking !== undefined) {
      // A player that asks again while somebody is being asked about it waits for the same answer. It asks anew where
      // the first request has made no viewer.
      const again = (verdict: Verdict): VirtualAnswer =>
        verdict === undefined
          ? this.#guardedPlaylist(playlist, request, vhost)
          : this.#refuse(verdict, playlist, client);
      return { pending: asking.then(again) };
    }
    const verdict = this.#context.clients.authorize('play', client);
    if (!(verdict instanceof Promise)) return decide(verdict);
    if (key !== undefined) this.#remember(key, verdict);
    return { pending: verdict.then(decide) };
  }

  #refuse(
    { reason, detail }: Refusal,
    { stream }: HlsPlaylist,
    { ip }: Pick<ClientRequest, 'ip'>,
  ): VirtualAnswer {
    const line = `refused: ${reason} (${detail}), hls-play ${stream.app}/${stream.stream} from ${ip}`;
    this.#context.log.info({ ip }, line);
    return { refused: 403 };
  }

  #remember(key: string, verdict: Promise<Verdict>): void {
    const forget = (): void => {
      this.#asking.delete(key);
    };
    this.#asking.set(key, verdict);
    verdict.then(forget, forget);
  }

  /** @param admitted - just now; undefined for a viewer who is known */
  #playlist(
    playlist: HlsPlaylist,
    request: VirtualRequest,
    vhost: VhostConfig,
    admitted: ClientRequest | undefined,
  ): VirtualAnswer {
    const { search } = request;
    const id = viewerIdOf(search);
    const known = id === undefined ? undefined : this.#viewerOf(id, playlist.stream);
    const viewer = id === undefined ? undefined : this.#keep(id, playlist, request, admitted);
    // Who is not counted here must not be counted by a callback server for ever.
    if (admitted !== undefined && (viewer === undefined || viewer === known)) {
      this.#context.clients.dismiss(admitted);
    }
    if (!playlist.sessions) return plainPlaylist(playlist, segmentQuery(search, undefined), isGuarded(vhost));
    // Who is not known would get the playlist and none of its segments.
    if (viewer === undefined && request.method === 'GET' && isForKnownViewers(vhost)) return { refused: 503 };
    const query = viewer?.segmentQuery ?? segmentQuery(search, playlist.segmentSessions ? id : undefined);
    return {
      contentType: PLAYLIST_TYPE,
      cacheControl: 'no-cache',
      etag: `W/"${playlist.version}"`,
      shared: false,
      content: () => playlist.text(query),
      ...(viewer === undefined ? {} : { sent: viewer.sent }),
    };
  }

  /** The viewer, where there are any: HEAD makes none. */
  #keep(
    id: string,
    playlist: HlsPlaylist,
    request: VirtualRequest,
    admitted: ClientRequest | undefined,
  ): HlsViewer | undefined {
    if (!playlist.sessions) return undefined;
    return request.method === 'GET'
      ? this.#viewers.keep(id, playlist, request, admitted)
      : this.#viewerOf(id, playlist.stream);
  }

  /** The viewer with that id, who asks for something of the stream; an id is worth nothing for other streams. */
  #viewerOf(id: string | undefined, stream: StreamId): HlsViewer | undefined {
    const viewer = id === undefined ? undefined : this.#viewers.find(id);
    return viewer?.watches(stream) === true ? viewer : undefined;
  }

  #segment(segment: HlsSegment, request: VirtualRequest, vhost: VhostConfig): VirtualAnswer {
    const viewer = this.#viewerOf(viewerIdOf(request.search), segment.stream);
    if (viewer === undefined && isForKnownViewers(vhost)) return { refused: 403 };
    return {
      contentType: segment.contentType,
      cacheControl: segment.kind === 'key' ? 'no-store' : cacheControlOfSegments(vhost),
      etag: `"${segment.version}"`,
      shared: true,
      content: () => segment.bytes,
      ...(viewer === undefined ? {} : { sent: viewer.sent }),
    };
  }
}

/** The client that a viewer's request stands for. */
function clientOf(
  id: string,
  vhost: VhostConfig,
  { stream: { app, stream } }: HlsPlaylist,
  request: VirtualRequest,
): ClientRequest {
  const ip = plainAddress(request.remoteAddress);
  const tcUrl = `http://${request.headers.host ?? request.host}/${app}`;
  return { id, ip, vhost, app, stream, param: request.search, tcUrl, pageUrl: pageUrlOf(request.headers) };
}

/** Where players are let in one by one and tell who they are, a segment is for those who were let in. */
function isForKnownViewers(vhost: VhostConfig): boolean {
  return vhost.hls.context && vhost.hls.segmentContext && isGuarded(vhost);
}

/** The same text for everyone: caches on the way may keep it for a moment, unless it is not for everyone. */
function plainPlaylist(playlist: HlsPlaylist, query: string, isGuarded: boolean): VirtualFile {
  return {
    contentType: PLAYLIST_TYPE,
    cacheControl: isGuarded ? 'private, no-cache' : 'public, max-age=1',
    etag: `W/"${playlist.version}"`,
    shared: true,
    content: () => playlist.text(query),
  };
}

/** Each request gets an id of its own: nobody may keep the answer. */
function newViewersPlaylist(playlist: HlsPlaylist, request: VirtualRequest): VirtualFile {
  return {
    contentType: PLAYLIST_TYPE,
    cacheControl: 'no-store',
    etag: undefined,
    shared: false,
    content: () => masterPlaylist(playlist, request, newSessionId()),
  };
}

/** A segment never changes, and is asked for while it is in the playlist. */
function cacheControlOfSegments({ hls }: VhostConfig): string {
  const seconds = Math.max(1, Math.ceil(hls.windowMs / 1000));
  return `public, max-age=${seconds}, immutable`;
}
