import type { FaultView } from '../api/index.ts';
import type { VhostConfig } from '../config/index.ts';
import { type LiveHub, type LiveStream, type StreamId, streamKey } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import { namesProblem, nodeDisk, ThreadDisk } from '../sinks/disk/index.ts';
import { DvrSinks, type FinishedFile } from '../sinks/dvr/index.ts';
import { HdsSinks } from '../sinks/hds/index.ts';
import { HlsSinks } from '../sinks/hls/index.ts';

/** What the sinks need of the server. */
export interface SinksContext {
  readonly log: Log;
  readonly hub: LiveHub;
  /** The server's signature, for files. */
  readonly signature: string;
  /** Whether parts of the time in file names are UTC (`utc_time`). */
  readonly utc: () => boolean;
  /** The vhosts that are on. */
  vhosts(): Iterable<VhostConfig>;
  findVhost(name: string): VhostConfig | undefined;
}

type SinkKind = 'hls' | 'hds' | 'dvr';

interface Attached {
  readonly config: VhostConfig[SinkKind];
  readonly detach: () => void;
}

/** Of what is not attached, or looks after itself. */
function detach(): void {
  // Nothing is to be done.
}

/** Everything that writes the published streams to files: HLS, HDS and recordings. */
export class Sinks {
  readonly hls: HlsSinks;
  readonly hds: HdsSinks;
  readonly dvr: DvrSinks;
  /** Many small files: they have a thread of their own. */
  readonly #segmentDisk: ThreadDisk;
  readonly #context: SinksContext;
  /** What a stream is written by now. */
  readonly #attached = new WeakMap<LiveStream, Map<SinkKind, Attached>>();
  readonly #recordingListeners = new Set<(file: FinishedFile) => void>();

  constructor(context: SinksContext) {
    const { log, hub, utc, signature } = context;
    this.#context = context;
    this.#segmentDisk = new ThreadDisk({ log });
    this.hls = new HlsSinks({ log, disk: this.#segmentDisk, utc, vhosts: () => context.vhosts() });
    this.hds = new HdsSinks({ log, disk: this.#segmentDisk, vhosts: () => context.vhosts() });
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
    this.hls.start();
    this.hds.start();
    this.dvr.start();
  }

  /** A stream is published: gives its frames to what its vhost has switched on. */
  published(stream: LiveStream): void {
    const vhost = this.#context.findVhost(stream.id.vhost);
    if (vhost === undefined) return;
    const attached = new Map<SinkKind, Attached>();
    this.#attached.set(stream, attached);
    for (const form of ['hls', 'hds'] as const) attached.set(form, this.#attach(form, stream, vhost));
    attached.set('dvr', { config: vhost.dvr, detach });
    this.dvr.published(stream, vhost);
  }

  /**
   * The configuration has changed under a stream: what it changes of HLS, HDS and recordings ends and begins anew, with
   * the sequence headers that hold now; the rest goes on (L023, V007).
   */
  configured(stream: LiveStream): void {
    const vhost = this.#context.findVhost(stream.id.vhost);
    const attached = this.#attached.get(stream);
    if (stream.publisherId === undefined || attached === undefined) return;
    if (vhost?.name !== stream.id.vhost) return;
    const { app, stream: name } = stream.id;
    const problem = namesProblem(app, name);
    if (problem !== undefined) {
      // It was published when nothing wrote files.
      const wanted = vhost.hls.enabled || vhost.hds.enabled || vhost.dvr.enabled;
      if (wanted) this.#context.log.warn(`${app}/${name} is not written to files: ${problem}`);
      return;
    }
    for (const form of ['hls', 'hds'] as const) {
      const known = attached.get(form);
      if (known?.config === vhost[form]) continue;
      known?.detach();
      attached.set(form, this.#attach(form, stream, vhost));
    }
    // A recording that the API has ended stays ended while nobody asks for another.
    if (attached.get('dvr')?.config === vhost.dvr) return;
    attached.set('dvr', { config: vhost.dvr, detach });
    this.dvr.configured(stream, vhost);
  }

  #attach(form: 'hls' | 'hds', stream: LiveStream, vhost: VhostConfig): Attached {
    const config = vhost[form];
    if (!config.enabled) return { config, detach };
    return { config, detach: stream.subscribe(this[form].open(stream, vhost)) };
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

  /** Resolves when the files of a stream that has ended are finished and told of; undefined when they are. */
  settled(id: StreamId): Promise<unknown> | undefined {
    const key = streamKey(id);
    const [hls, dvr] = [this.hls.settled(key), this.dvr.settled(key)];
    return hls === undefined && dvr === undefined ? undefined : Promise.all([hls, dvr]);
  }

  /** What a stream and its sinks suffer from now. */
  faults(streamKey: string): FaultView[] {
    const found: FaultView[] = [];
    for (const { since, ...fault } of this.#context.hub.findByKey(streamKey)?.mediaFaults ?? []) {
      found.push({ ...fault, sinceMs: since, isPublic: true });
    }
    for (const sink of ['hls', 'hds', 'dvr'] as const) {
      for (const { since, ...fault } of this[sink].faults(streamKey)) {
        found.push({ ...fault, sink, sinceMs: since, isPublic: false });
      }
      for (const { since, ...fault } of this[sink].mediaFaults(streamKey)) {
        found.push({ ...fault, sink, sinceMs: since, isPublic: true });
      }
    }
    return found;
  }

  /** Waits until the last files are written. Every publisher has to be gone. */
  async close(): Promise<void> {
    await Promise.all([this.hls.close(), this.hds.close(), this.dvr.close()]);
    this.#segmentDisk.close();
  }
}
