import type { VhostConfig } from '../../config/index.ts';
import type { EndReason } from '../../stats/index.ts';
import type { LiveDoor, LiveMount, LiveRequest, LiveViewer } from '../http/index.ts';
import type { HttpLiveContext } from './context.ts';
import { formOf } from './forms.ts';
import { liveMounts, type Mount, type MountedStream } from './mounts.ts';
import { ViewerSession } from './viewer-session.ts';

/** How often, ms, it is looked whether the streams still can be had in the form that their players asked for. */
const FORM_CHECK_INTERVAL_MS = 5000;

/** Live streams over HTTP and WebSocket: finds the stream that a URL stands for and plays it. */
export class HttpLiveDoor implements LiveDoor {
  readonly #context: HttpLiveContext;
  readonly #mounts = new WeakMap<VhostConfig, Mount[]>();
  readonly #viewers = new Set<ViewerSession>();
  #isStopping = false;
  #formChecks: NodeJS.Timeout | undefined;

  constructor(context: HttpLiveContext) {
    this.#context = context;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /**
   * The live stream that a request is for. A path under a configured mount whose stream nobody publishes is one
   * only with `hstrs on`, which waits for it; else the request may be for a file (H012).
   */
  match(request: LiveRequest): LiveMount | undefined {
    const form = formOf(request.path);
    if (form === undefined) return undefined;
    const vhost = this.#context.findVhost(request.host);
    if (vhost === undefined) return undefined;
    for (const mount of this.#mountsOf(vhost)) {
      if (mount.form !== form) continue;
      const mounted = mount.match(request.path);
      if (mounted === undefined) continue;
      const waits = mount.configured && vhost.httpRemux.hstrs;
      const isPublished = this.#isPublished(vhost, mounted);
      if (waits || isPublished) {
        return {
          waits: !isPublished,
          serve: (viewer) => {
            const isStopping = (): boolean => this.#isStopping;
            const options = { viewer, vhost, mounted, form, waits, isStopping };
            this.#serve(viewer, new ViewerSession(options, this.#context));
          },
        };
      }
    }
    return undefined;
  }

  /** The configuration has changed: players whose vhost or mount is gone are ended (C006, H014). */
  reconfigured(): void {
    for (const viewer of [...this.#viewers]) {
      const vhost = this.#context.findVhost(viewer.vhost);
      if (vhost?.name !== viewer.vhost) viewer.finish('vhost-not-found');
      else if (!this.#isMounted(vhost, viewer)) viewer.finish('unmounted');
    }
  }

  /** Ends a player by its session id; false when there is none. */
  closeViewer(id: string, reason: EndReason): boolean {
    for (const viewer of this.#viewers) {
      if (viewer.id !== id) continue;
      viewer.finish(reason);
      return true;
    }
    return false;
  }

  /** The publishers are about to be ended: their players' reason is the stop of the server, too. */
  stopping(): void {
    this.#isStopping = true;
  }

  /** Ends every player's response in order. */
  close(): void {
    for (const viewer of [...this.#viewers]) viewer.finish('server-shutdown');
  }

  #serve(viewer: LiveViewer, session: ViewerSession): void {
    this.#viewers.add(session);
    this.#formChecks ??= this.#startFormChecks();
    session.start(viewer, () => {
      this.#viewers.delete(session);
      if (this.#viewers.size > 0) return;
      clearInterval(this.#formChecks);
      this.#formChecks = undefined;
    });
  }

  #startFormChecks(): NodeJS.Timeout {
    const timer = setInterval(() => {
      for (const viewer of this.#viewers) viewer.checkForm();
    }, FORM_CHECK_INTERVAL_MS);
    timer.unref();
    return timer;
  }

  #mountsOf(vhost: VhostConfig): Mount[] {
    let mounts = this.#mounts.get(vhost);
    if (mounts === undefined) {
      mounts = liveMounts(vhost);
      this.#mounts.set(vhost, mounts);
    }
    return mounts;
  }

  #isMounted(vhost: VhostConfig, { form, path }: ViewerSession): boolean {
    return this.#mountsOf(vhost).some((mount) => mount.form === form && mount.match(path) !== undefined);
  }

  #isPublished(vhost: VhostConfig, mounted: MountedStream): boolean {
    const stream = this.#context.hub.find({ vhost: vhost.name, ...mounted });
    return stream?.publisherId !== undefined;
  }
}
