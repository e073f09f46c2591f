import type { VhostConfig } from '../../config/index.ts';
import type { LiveDoor, LiveMount, LiveRequest } from '../http/index.ts';
import type { HttpLiveContext } from './context.ts';
import { formOf, type LiveForm } from './forms.ts';
import { HttpPlayer } from './http-player.ts';
import { liveMounts, type Mount, type MountedStream } from './mounts.ts';

/** How often, ms, it is looked whether the streams still can be had in the form that their players asked for. */
const FORM_CHECK_INTERVAL_MS = 5000;

/** Live streams over HTTP and WebSocket: finds the stream that a URL stands for and plays it. */
export class HttpLiveHandler implements LiveDoor {
  readonly #context: HttpLiveContext;
  readonly #mounts = new WeakMap<VhostConfig, Mount[]>();
  readonly #players = new Set<HttpPlayer>();
  #formChecks: NodeJS.Timeout | undefined;

  constructor(context: HttpLiveContext) {
    this.#context = context;
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
            const isMounted = (current: VhostConfig): boolean => this.#isMounted(current, form, request.path);
            const options = { viewer, vhost, mounted, form, waits, isMounted };
            this.#serve(new HttpPlayer(options, this.#context));
          },
        };
      }
    }
    return undefined;
  }

  #serve(player: HttpPlayer): void {
    this.#players.add(player);
    this.#formChecks ??= this.#startFormChecks();
    player.start(() => {
      this.#players.delete(player);
      if (this.#players.size > 0) return;
      clearInterval(this.#formChecks);
      this.#formChecks = undefined;
    });
  }

  #startFormChecks(): NodeJS.Timeout {
    const timer = setInterval(() => {
      for (const player of this.#players) player.checkForm();
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

  #isMounted(vhost: VhostConfig, form: LiveForm, path: string): boolean {
    return this.#mountsOf(vhost).some((mount) => mount.form === form && mount.match(path) !== undefined);
  }

  #isPublished(vhost: VhostConfig, mounted: MountedStream): boolean {
    const stream = this.#context.hub.find({ vhost: vhost.name, ...mounted });
    return stream?.publisherId !== undefined;
  }
}
