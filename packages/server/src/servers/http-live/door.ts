import type { VhostConfig } from '../../config/index.ts';
import type { HttpLiveContext, Viewer, ViewerRequest } from './context.ts';
import { flvMounts, type Mount, type MountedStream } from './mounts.ts';
import { ViewerSession } from './viewer-session.ts';

/** Live streams over HTTP and WebSocket: finds the stream that a URL stands for and plays it. */
export class HttpLiveDoor {
  readonly #context: HttpLiveContext;
  readonly #mounts = new WeakMap<VhostConfig, Mount[]>();
  readonly #viewers = new Set<ViewerSession>();

  constructor(context: HttpLiveContext) {
    this.#context = context;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /**
   * The live stream that a request is for. A path under a mount whose stream nobody publishes is one only
   * with `hstrs on`, which waits for it; else the request may be for a file (H012).
   */
  match(request: ViewerRequest): { serve(viewer: Viewer): void } | undefined {
    const vhost = this.#context.findVhost(request.host);
    if (vhost === undefined) return undefined;
    for (const mount of this.#mountsOf(vhost)) {
      const mounted = mount.match(request.path);
      if (mounted !== undefined && this.#isPlayable(vhost, mounted)) {
        return {
          serve: (viewer) => {
            const session = new ViewerSession(viewer, vhost, mounted, this.#context);
            this.#viewers.add(session);
            session.start(viewer, vhost, (ended) => {
              this.#viewers.delete(ended);
            });
          },
        };
      }
    }
    return undefined;
  }

  /** Ends every player's response in order. */
  close(): void {
    for (const viewer of [...this.#viewers]) viewer.finish('server-shutdown');
  }

  #mountsOf(vhost: VhostConfig): Mount[] {
    let mounts = this.#mounts.get(vhost);
    if (mounts === undefined) {
      mounts = flvMounts(vhost);
      this.#mounts.set(vhost, mounts);
    }
    return mounts;
  }

  #isPlayable(vhost: VhostConfig, mounted: MountedStream): boolean {
    if (vhost.httpRemux.hstrs) return true;
    const stream = this.#context.hub.find({ vhost: vhost.name, ...mounted });
    return stream?.publisherId !== undefined;
  }
}
