import { Attendance } from './attendance.ts';
import { Fetcher, type FetcherHandler } from './fetcher.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import { emptyTally, type Tally } from './tally.ts';
import type { Target } from './target.ts';

/** All fetchers of a process read into one buffer: large, because segments are. */
const READ_BUFFER_BYTES = 256 * 1024;

/** What to fetch, and how. */
export interface FetchRunOptions {
  /** What each connection asks for, in turn, again and again; at least one, all of one server. */
  readonly targets: readonly Target[];
  readonly address: string;
  /** Connections. */
  readonly clients: number;
  readonly ratePerSecond: number;
  /** How long a connection may take to its first answer, ms. */
  readonly joinTimeoutMs: number;
  /** The first answer is a playlist: ask for the first address in it from then on. */
  readonly session: boolean;
  /** Ask for gzip. */
  readonly gzip: boolean;
}

/** Keep-alive connections of this process that fetch over HTTP, each one request after the other. */
export class FetchRun implements LoadRun, FetcherHandler {
  readonly finished: Promise<void>;
  readonly #options: FetchRunOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly #attendance: Attendance<Fetcher>;
  readonly #active = new Set<Fetcher>();
  #goneBytes = 0;
  #answers = 0;
  #windowBytes = 0;
  #windowStart = performance.now();
  #latency = new Histogram();

  constructor(options: FetchRunOptions) {
    this.#options = options;
    this.#attendance = new Attendance({
      ...options,
      rounds: 0,
      missed: 'no answer',
      launch: (index) => this.#launch(index),
    });
    this.finished = this.#attendance.finished;
  }

  async start(): Promise<void> {
    this.#windowStart = performance.now();
    await this.#attendance.start();
  }

  progress(): Progress {
    return { ...this.#attendance.progress(), active: this.#active.size, bytes: this.#bytes() };
  }

  tally(): Promise<Tally> {
    const now = performance.now();
    const bytes = this.#bytes();
    const perClient = new Histogram();
    for (const fetcher of this.#active) {
      if (fetcher.windowStartBytes >= 0) perClient.add(fetcher.bytes - fetcher.windowStartBytes);
      fetcher.windowStartBytes = fetcher.bytes;
    }
    const tally: Tally = {
      ...emptyTally(),
      ...this.#attendance.tally(),
      active: this.#active.size,
      seconds: (now - this.#windowStart) / 1000,
      bytes: bytes - this.#windowBytes,
      messages: this.#answers,
      perClientBytes: perClient.toJSON(),
      latencyMs: this.#latency.toJSON(),
    };
    this.#windowStart = now;
    this.#windowBytes = bytes;
    this.#answers = 0;
    this.#latency = new Histogram();
    return Promise.resolve(tally);
  }

  stop(): Promise<void> {
    this.#attendance.stop();
    for (const fetcher of this.#active) fetcher.leave();
    return Promise.resolve();
  }

  onJoined(fetcher: Fetcher): void {
    this.#active.add(fetcher);
    this.#attendance.join(fetcher);
  }

  onAnswer(_fetcher: Fetcher, milliseconds: number): void {
    this.#answers++;
    this.#latency.add(milliseconds);
  }

  onEnd(fetcher: Fetcher, reason: string): void {
    const joined = this.#active.delete(fetcher);
    if (joined) this.#goneBytes += fetcher.bytes;
    this.#attendance.end(fetcher, reason, joined);
  }

  #launch(index: number): Fetcher {
    const { targets, address, session, gzip } = this.#options;
    return new Fetcher({
      targets,
      // Spread over the targets, so that not all ask for the same at the same time.
      first: index,
      address,
      localAddress: localAddressOf(address, index),
      readBuffer: this.#readBuffer,
      session,
      gzip,
      handler: this,
    });
  }

  #bytes(): number {
    let bytes = this.#goneBytes;
    for (const fetcher of this.#active) bytes += fetcher.bytes;
    return bytes;
  }
}
