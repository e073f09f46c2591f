import { Attendance } from './attendance.ts';
import { Fetcher, type FetcherHandler } from './fetcher.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import type { Tally } from './tally.ts';
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
  /** From one request of a connection to its next, at least, ms; 0: at once. */
  readonly intervalMs: number;
}

/** Keep-alive connections of this process that fetch over HTTP, each one request after the other. */
export class FetchRun implements LoadRun, FetcherHandler {
  readonly finished: Promise<void>;
  readonly #options: FetchRunOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly #attendance: Attendance<Fetcher>;
  #answers = 0;
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

  start(): Promise<void> {
    return this.#attendance.start();
  }

  progress(): Progress {
    return this.#attendance.progress();
  }

  tally(): Promise<Tally> {
    const tally: Tally = {
      ...this.#attendance.tally(),
      messages: this.#answers,
      latencyMs: this.#latency.toJSON(),
    };
    this.#answers = 0;
    this.#latency = new Histogram();
    return Promise.resolve(tally);
  }

  stop(): Promise<void> {
    this.#attendance.stop();
    return Promise.resolve();
  }

  onJoined(fetcher: Fetcher): void {
    this.#attendance.join(fetcher);
  }

  onAnswer(_fetcher: Fetcher, milliseconds: number): void {
    this.#answers++;
    this.#latency.add(milliseconds);
  }

  onEnd(fetcher: Fetcher, reason: string): void {
    this.#attendance.end(fetcher, reason);
  }

  #launch(index: number): Fetcher {
    const { targets, address, session, gzip, intervalMs } = this.#options;
    return new Fetcher({
      targets,
      // Spread over the targets, so that not all ask for the same at the same time.
      first: index,
      address,
      localAddress: localAddressOf(address, index),
      readBuffer: this.#readBuffer,
      session,
      gzip,
      intervalMs,
      handler: this,
    });
  }
}
