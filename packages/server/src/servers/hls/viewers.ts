import { endSession } from '../../log/index.ts';
import { addressOwner, type ClientRequest } from '../../security/index.ts';
import type { EndReason } from '../../stats/index.ts';
import type { VirtualRequest } from '../http/index.ts';
import type { HlsContext, HlsPlaylist } from './context.ts';
import type { HlsLimits } from './limits.ts';
import { HlsViewer } from './viewer.ts';

/** The viewers that are there now: who they are, how they come and go. */
export class HlsViewers {
  readonly #context: HlsContext;
  readonly #limits: HlsLimits;
  readonly #byId = new Map<string, HlsViewer>();
  /** Viewers by address; none is 0. */
  readonly #byAddress = new Map<string, number>();
  #sweeper: NodeJS.Timeout | undefined;
  #full = false;
  #closed = false;

  constructor(context: HlsContext, limits: HlsLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** A viewer that is known asks for something. */
  find(id: string): HlsViewer | undefined {
    const viewer = this.#byId.get(id);
    if (viewer !== undefined) viewer.askedAt = performance.now();
    return viewer;
  }

  /**
   * The viewer with this id, who asks for a playlist; made when it is new. Undefined when there are too many,
   * when the id is that of a viewer of another stream, and when the server stops: such a viewer gets
   * everything, but is not counted.
   */
  keep(
    id: string,
    playlist: HlsPlaylist,
    request: VirtualRequest,
    client: ClientRequest | undefined,
  ): HlsViewer | undefined {
    const viewer = this.find(id) ?? this.#begin(id, playlist, request, client);
    if (viewer?.watches(playlist.stream) !== true) return undefined;
    const { idleTargetDurations, minIdleMs } = this.#limits;
    viewer.idleMs = Math.max(idleTargetDurations * playlist.targetDurationMs, minIdleMs);
    return viewer;
  }

  /** Ends those that asked for nothing for too long. */
  sweep(): void {
    const now = performance.now();
    for (const viewer of this.#byId.values()) {
      if (now - viewer.askedAt > viewer.idleMs) {
        this.#end(viewer, 'idle-timeout', `nothing was asked for in ${viewer.idleMs / 1000} s`);
      }
    }
  }

  /** The configuration has changed: viewers whose vhost is gone are ended (C006). */
  reconfigured(): void {
    for (const viewer of this.#byId.values()) {
      if (this.#context.findVhost(viewer.vhost)?.name !== viewer.vhost) this.#end(viewer, 'vhost-not-found');
    }
  }

  /** Ends all, and takes no more. */
  close(): void {
    this.#closed = true;
    for (const viewer of this.#byId.values()) this.#end(viewer, 'server-shutdown');
  }

  /** Ends a viewer by its id; false when there is none. It may come again, with another id, if the gates let it. */
  closeViewer(id: string, reason: EndReason): boolean {
    const viewer = this.#byId.get(id);
    if (viewer !== undefined) this.#end(viewer, reason);
    return viewer !== undefined;
  }

  #begin(
    id: string,
    playlist: HlsPlaylist,
    request: VirtualRequest,
    client: ClientRequest | undefined,
  ): HlsViewer | undefined {
    if (this.#closed) return undefined;
    const { log, sessions, hub } = this.#context;
    if (this.#byId.size >= this.#limits.maxViewers) {
      if (!this.#full) log.warn(`${this.#limits.maxViewers} HLS viewers are counted; further ones are not`);
      this.#full = true;
      return undefined;
    }
    const viewer = new HlsViewer(id, playlist, request, client);
    const owner = addressOwner(viewer.ip);
    const ofAddress = this.#byAddress.get(owner) ?? 0;
    if (ofAddress >= this.#limits.maxViewersPerAddress) {
      if (!this.#full) {
        log.warn({ ip: viewer.ip }, `${ofAddress} HLS viewers of ${owner} are counted; further ones are not`);
      }
      this.#full = true;
      return undefined;
    }
    this.#byAddress.set(owner, ofAddress + 1);
    if (client !== undefined) this.#context.authorizer.began('play', client);
    const { vhost, app, stream } = viewer;
    const publisher = hub.find(playlist.stream)?.publisherId;
    const source = publisher === undefined ? 'nobody publishes now' : `source ${publisher}`;
    log.child({ id, ip: viewer.ip }).info(`hls-play ${vhost}/${app}/${stream} from ${viewer.ip}, ${source}`);
    this.#byId.set(id, viewer);
    sessions.add(viewer);
    this.#sweeper ??= setInterval(() => {
      this.sweep();
    }, this.#limits.sweepMs).unref();
    return viewer;
  }

  #end(viewer: HlsViewer, reason: EndReason, detail?: string): void {
    this.#byId.delete(viewer.id);
    const owner = addressOwner(viewer.ip);
    const left = (this.#byAddress.get(owner) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(owner);
    else this.#byAddress.set(owner, left);
    this.#full = false;
    this.#context.sessions.remove(viewer);
    if (viewer.client !== undefined) this.#context.authorizer.ended('play', viewer.client, reason);
    const { log, sessions } = this.#context;
    endSession(viewer, {
      reason,
      detail,
      log: log.child({ id: viewer.id, ip: viewer.ip }),
      ended: sessions.ended,
    });
    if (this.#byId.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }
}
