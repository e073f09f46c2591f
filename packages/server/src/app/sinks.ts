import type { FaultView } from '../api/index.ts';
import type { VhostConfig } from '../config/index.ts';
import type { LiveHub, LiveStream } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import { nodeDisk } from '../sinks/disk/index.ts';
import { DvrSinks, type FinishedFile } from '../sinks/dvr/index.ts';
import { HdsSinks } from '../sinks/hds/index.ts';
import { HlsSinks } from '../sinks/hls/index.ts';

/** What the sinks need of the server. */
export interface SinksContext {
  readonly log: Log;
  readonly hub: LiveHub;
  /** The server's signature, for files. */
  readonly signature: string;
  /** Parts of the time in file names are UTC (`utc_time`). */
  readonly utc: boolean;
  /** The vhosts that are on. */
  vhosts(): Iterable<VhostConfig>;
  findVhost(name: string): VhostConfig | undefined;
}

/** Everything that writes the published streams to files: HLS, HDS and recordings. */
export class Sinks {
  readonly hls: HlsSinks;
  readonly hds: HdsSinks;
  readonly dvr: DvrSinks;
  readonly #context: SinksContext;
  readonly #recordingListeners = new Set<(file: FinishedFile) => void>();

  constructor(context: SinksContext) {
    const { log, hub, utc, signature } = context;
    this.#context = context;
    this.hls = new HlsSinks({ log, disk: nodeDisk, utc });
    this.hds = new HdsSinks({ log, disk: nodeDisk });
    this.dvr = new DvrSinks({
      log,
      disk: nodeDisk,
      service: signature,
      utc,
      vhosts: () => context.vhosts(),
      findVhost: (name) => context.findVhost(name),
      findStream: (id) => {
        const stream = hub.find(id);
        return stream?.publisherId === undefined ? undefined : stream;
      },
      onFile: (file) => {
        for (const listener of this.#recordingListeners) listener(file);
      },
    });
  }

  /** Looks after what an earlier run left. */
  start(): void {
    this.dvr.start();
  }

  /** A stream is published: gives its frames to what its vhost has switched on. */
  published(stream: LiveStream): void {
    const vhost = this.#context.findVhost(stream.id.vhost);
    if (vhost === undefined) return;
    if (vhost.hls.enabled) stream.attach(this.hls.open(stream, vhost));
    if (vhost.hds.enabled) stream.attach(this.hds.open(stream, vhost));
    this.dvr.published(stream, vhost);
  }

  /**
   * Tells of each recording that is finished.
   *
   * @returns stops it
   */
  onRecording(listener: (file: FinishedFile) => void): () => void {
    this.#recordingListeners.add(listener);
    return () => {
      this.#recordingListeners.delete(listener);
    };
  }

  /** What the sinks of a stream suffer from now. */
  faults(streamKey: string): FaultView[] {
    const found: FaultView[] = [];
    for (const sink of ['hls', 'hds', 'dvr'] as const) {
      for (const { code, message, since, count } of this[sink].faults(streamKey)) {
        found.push({ sink, code, message, sinceMs: since, count });
      }
    }
    return found;
  }

  /** Waits until the last files are written. Every publisher has to be gone. */
  async close(): Promise<void> {
    await Promise.all([this.hls.close(), this.hds.close(), this.dvr.close()]);
  }
}
