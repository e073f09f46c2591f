import { addressOwner, type ClientRequest } from '../../security/index.ts';
import type { VirtualRequest } from '../http/index.ts';
import type { HlsContext, HlsPlaylist } from './context.ts';
import type { HlsViewerTimes } from './viewer-times.ts';
import { HlsViewer } from './viewer.ts';

/** The viewers that are there now: who they are, how they come and go. */
export class HlsViewers {
  readonly #context: HlsContext;
  readonly #times: HlsViewerTimes;
  readonly #byId = new Map<string, HlsViewer>();
  /** Viewers by address; none is 0. */
  readonly #byAddress = new Map<string, number>();
  #sweeper: NodeJS.Timeout | undefined;
  #fullIsLogged = false;
  /** Addresses of which it is logged that they have all viewers they may have. */
  readonly #loggedAddresses = new Set<string>();

  constructor(context: HlsContext, times: HlsViewerTimes) {
    this.#context = context;
    this.#times = times;
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
   * The viewer with this id, who asks for a playlist; made when it is new and admitted. Undefined when there are too
   * many, when the id is that of a client of another stream, and when the server stops: such a viewer gets everything,
   * but is not counted.
   */
  keep(
    id: string,
    playlist: HlsPlaylist,
    request: VirtualRequest,
    admitted: ClientRequest | undefined,
  ): HlsViewer | undefined {
    const known = this.find(id);
    const viewer = known ?? (admitted === undefined ? undefined : this.#begin(playlist, request, admitted));
    if (viewer?.watches(playlist.stream) !== true) return undefined;
    const { idleTargetDurations, minIdleMs } = this.#times;
    viewer.idleMs = Math.max(idleTargetDurations * playlist.targetDurationMs, minIdleMs);
    return viewer;
  }

  /** Ends those that asked for nothing for too long. */
  sweep(): void {
    const now = performance.now();
    for (const { askedAt, client, idleMs } of this.#byId.values()) {
      if (now - askedAt > idleMs) {
        client.end('idle-timeout', `nothing was asked for in ${idleMs / 1000} s`);
      }
    }
  }

  #begin(playlist: HlsPlaylist, request: VirtualRequest, admitted: ClientRequest): HlsViewer | undefined {
    const { clients } = this.#context;
    const { id, ip } = admitted;
    // An id is what its viewer says: it may be that of a client of another protocol.
    if (clients.isStopping || clients.get(id) !== undefined) return undefined;
    const owner = addressOwner(ip);
    const ofAddress = this.#byAddress.get(owner) ?? 0;
    if (this.#isFull(ip, owner, ofAddress)) return undefined;
    this.#byAddress.set(owner, ofAddress + 1);
    const onEnded = (ended: HlsViewer): void => {
      this.#remove(ended);
    };
    const viewer = new HlsViewer(playlist, request, admitted, { clients, onEnded });
    this.#byId.set(id, viewer);
    this.#sweeper ??= setInterval(() => {
      this.sweep();
    }, this.#times.sweepMs).unref();
    return viewer;
  }

  /** Whether there is no place for one more, which is logged once until a viewer goes: of all, or of the address. */
  #isFull(ip: string, owner: string, ofAddress: number): boolean {
    const { log } = this.#context;
    const { maxHlsViewers, maxHlsViewersPerAddress } = this.#context.config().limits;
    if (maxHlsViewers > 0 && this.#byId.size >= maxHlsViewers) {
      if (!this.#fullIsLogged) log.warn(`${maxHlsViewers} HLS viewers are counted; further ones are not`);
      this.#fullIsLogged = true;
      return true;
    }
    if (maxHlsViewersPerAddress === 0 || ofAddress < maxHlsViewersPerAddress) return false;
    if (!this.#loggedAddresses.has(owner)) {
      log.warn({ ip }, `${ofAddress} HLS viewers of ${owner} are counted; further ones are not`);
    }
    this.#loggedAddresses.add(owner);
    return true;
  }

  #remove({ client }: HlsViewer): void {
    this.#byId.delete(client.id);
    const owner = addressOwner(client.ip);
    const left = (this.#byAddress.get(owner) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(owner);
    else this.#byAddress.set(owner, left);
    this.#fullIsLogged = false;
    this.#loggedAddresses.delete(owner);
    if (this.#byId.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
