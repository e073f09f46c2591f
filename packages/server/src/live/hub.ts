import type { LiveSettings } from './live-settings.ts';
import { LiveStream, type LiveStreamHome } from './live-stream.ts';
import { type StreamId, streamKey } from './stream-id.ts';
import { LiveTotals } from './stream-meter.ts';

/** The live streams of one server. A stream exists while somebody publishes or plays it, and no longer. */
export class LiveHub {
  /** What all streams have counted, those included that are gone. */
  readonly totals = new LiveTotals();
  readonly #streams = new Map<string, LiveStream>();
  readonly #home: LiveStreamHome;

  /** @param observer - told of every publish, so that sinks may be attached */
  constructor(observer: Partial<Pick<LiveStreamHome, 'onPublish'>> = {}) {
    this.#home = {
      totals: this.totals,
      onPublish: (stream) => observer.onPublish?.(stream),
      onIdle: (stream) => {
        this.release(stream);
      },
    };
  }

  /** Finds a stream that is published or played now. */
  find(id: StreamId): LiveStream | undefined {
    return this.#streams.get(streamKey(id));
  }

  /** @param key - `vhost/app/stream` */
  findByKey(key: string): LiveStream | undefined {
    return this.#streams.get(key);
  }

  /**
   * Finds or makes a stream. One that was made has to be published or played in the same turn, or else be
   * given back by {@link release}.
   */
  open(id: StreamId, settings: LiveSettings): LiveStream {
    const key = streamKey(id);
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new LiveStream(id, settings, this.#home);
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Forgets a stream that nobody uses. */
  release(stream: LiveStream): void {
    if (stream.idle && this.#streams.get(stream.key) === stream) this.#streams.delete(stream.key);
  }

  /** Say it every few minutes: see {@link FlushTimes.roll}. */
  rollFlushes(): void {
    this.totals.flushes.roll();
    for (const { meter } of this.#streams.values()) meter.flushes?.roll();
  }

  /** Ends players that have waited for too long for a publisher: call it every few seconds. */
  endWaiting(now = performance.now()): void {
    for (const stream of [...this.#streams.values()]) stream.endWaiting(now);
  }

  get size(): number {
    return this.#streams.size;
  }

  streams(): IterableIterator<LiveStream> {
    return this.#streams.values();
  }
}
