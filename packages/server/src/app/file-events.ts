import type { VhostConfig } from '../config/index.ts';
import type { HookEvent, HttpCallbacks } from '../hooks/index.ts';
import { type StreamId, streamKey } from '../live/index.ts';
import type { Sinks } from './sinks.ts';

/** How long a callback waits for the files that are told before it, ms: a disk may hang. */
const MAX_FILES_WAIT_MS = 5_000;

interface StreamOfVhost {
  readonly vhost: VhostConfig;
  readonly app: string;
  readonly stream: string;
}

/**
 * Callback servers are told of each HLS segment and each recording; of a recording after the segments of its stream
 * that are being written, so that the end of a publish has one order (K008).
 */
export class FileReports {
  readonly #sinks: Sinks;
  readonly #callbacks: HttpCallbacks;
  readonly #findVhost: (name: string) => VhostConfig | undefined;
  /** Recordings that wait to be told of, by the key of their stream. */
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(sinks: Sinks, callbacks: HttpCallbacks, findVhost: (name: string) => VhostConfig | undefined) {
    this.#sinks = sinks;
    this.#callbacks = callbacks;
    this.#findVhost = findVhost;
    sinks.hls.onSegment((segment) => {
      this.#tell(segment.stream, (of) => ({ action: 'on_hls', ...of, segment }));
    });
    sinks.onRecording((recording) => {
      const { stream } = recording;
      if (stream !== undefined)
        this.#tellAfterSegments(stream, (of) => ({ action: 'on_dvr', ...of, recording }));
    });
  }

  /** Resolves when the files of a stream that has ended are told of, or soon; undefined when they are. */
  settled(id: StreamId): Promise<void> | undefined {
    const key = streamKey(id);
    const files = this.#sinks.settled(id);
    if (files === undefined) return this.#waiting.get(key);
    return inTime(files).then(() => this.#waiting.get(key));
  }

  #tellAfterSegments(stream: StreamId, event: (of: StreamOfVhost) => HookEvent): void {
    const key = streamKey(stream);
    const segments = this.#sinks.hls.settled(key);
    const before = this.#waiting.get(key);
    if (segments === undefined && before === undefined) {
      this.#tell(stream, event);
      return;
    }
    const told = Promise.all([before, segments && inTime(segments)]).then(() => {
      if (this.#waiting.get(key) === told) this.#waiting.delete(key);
      this.#tell(stream, event);
    });
    this.#waiting.set(key, told);
  }

  #tell({ vhost: name, app, stream }: StreamId, event: (of: StreamOfVhost) => HookEvent): void {
    const vhost = this.#findVhost(name);
    if (vhost !== undefined) this.#callbacks.tell(event({ vhost, app, stream }));
  }
}

/** Waits for files, but not for a disk that hangs; never rejects. */
async function inTime(files: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_FILES_WAIT_MS);
  });
  await Promise.race([files.catch(() => undefined), patience]);
  clearTimeout(timer);
}
