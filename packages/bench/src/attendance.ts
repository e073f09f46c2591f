import { createDeferred } from './deferred.ts';
import { Histogram } from './histogram.ts';
import type { Progress } from './load-run.ts';
import { Ramp } from './ramp.ts';
import { countReason, emptyTally, sumOfCounts, type Tally } from './tally.ts';

const SWEEP_MS = 250;

/** A connection of a run, from its start on. */
export interface Attendee {
  /** When it was started, ms of `performance.now()`. */
  readonly startedAt: number;
  /** What its run counts: all bytes read, or payload bytes written. */
  readonly bytes: number;
  /** {@link bytes} at the begin of the run's window, or -1 if it had not joined then. The attendance's own. */
  windowStartBytes: number;
  /** It takes no bytes on purpose: it is left out of the bytes of each. */
  readonly stalled?: boolean;
  /** Ends it with a reason; its run is told. */
  fail(reason: string): void;
  /** Closes it; nothing is told. */
  leave(): void;
}

/** Who is to come, and how. */
export interface AttendanceOptions<Client extends Attendee> {
  /** Connections at a time, or in all without rounds. */
  readonly clients: number;
  /** Connections in all, each leaving once it has done its part; 0: all of them stay. */
  readonly rounds: number;
  /** Starts per second. */
  readonly ratePerSecond: number;
  /** How long a connection may take to join, ms. */
  readonly joinTimeoutMs: number;
  /** What one that takes longer has missed, such as `no media`. */
  readonly missed: string;
  /** Starts connection `index` (0-based). */
  launch(index: number): Client;
}

/**
 * The connections of a run: started at a steady rate, and counted, with their bytes, as they join, fail, leave and are
 * lost.
 */
export class Attendance<Client extends Attendee> {
  /** Resolves when every round is over, or the last connection is gone. */
  readonly finished: Promise<void>;
  readonly #options: AttendanceOptions<Client>;
  readonly #pending = new Set<Client>();
  readonly #active = new Set<Client>();
  readonly #failed = new Map<string, number>();
  readonly #lost = new Map<string, number>();
  readonly #ready = createDeferred();
  readonly #finish = createDeferred();
  #ramp: Ramp | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #joined = 0;
  #settled = 0;
  #gone = 0;
  #goneBytes = 0;
  #windowBytes = 0;
  #windowStart = performance.now();
  #firstMedia = new Histogram();

  constructor(options: AttendanceOptions<Client>) {
    this.#options = options;
    this.finished = this.#finish.promise;
  }

  /** Connections in all. */
  get total(): number {
    return this.#options.rounds > 0 ? this.#options.rounds : this.#options.clients;
  }

  /** Starts the connections; resolves when each of them has joined (in rounds: is gone) or failed. */
  async start(): Promise<void> {
    const { clients, ratePerSecond, joinTimeoutMs, missed } = this.#options;
    this.#windowStart = performance.now();
    this.#ramp = new Ramp({
      total: this.total,
      atOnce: clients,
      ratePerSecond,
      launch: (index) => {
        this.#pending.add(this.#options.launch(index));
      },
    });
    this.#sweep = setInterval(() => {
      const oldest = performance.now() - joinTimeoutMs;
      for (const client of this.#pending) {
        if (client.startedAt > oldest) break;
        client.fail(`${missed} within ${joinTimeoutMs / 1000} s`);
      }
    }, SWEEP_MS);
    await this.#ready.promise;
  }

  /** The connection has joined now. */
  join(client: Client): void {
    this.#pending.delete(client);
    this.#active.add(client);
    this.#joined++;
    this.#firstMedia.add(performance.now() - client.startedAt);
    if (this.#options.rounds === 0) this.#settle();
  }

  /** The connection has done its part of the rounds and has left by itself. */
  leave(client: Client): void {
    this.#remove(client);
    this.#settle();
  }

  /**
   * The connection is gone, not by its own will.
   * @param expected it was provoked: neither failed nor lost
   */
  end(client: Client, reason: string, expected = false): void {
    const joined = this.#remove(client);
    if (!expected) countReason(joined ? this.#lost : this.#failed, reason);
    if (!joined || this.#options.rounds > 0) this.#settle();
    if (this.#gone === this.total) this.#finish.resolve();
  }

  /** Starts no more, closes all that are there, and resolves what waits. */
  stop(): void {
    this.#ramp?.stop();
    clearInterval(this.#sweep);
    for (const client of this.#pending) client.leave();
    for (const client of this.#active) client.leave();
    this.#ready.resolve();
    this.#finish.resolve();
  }

  /** Its counts for a progress line. */
  progress(): Progress {
    return {
      joined: this.#joined,
      active: this.#active.size,
      failed: sumOfCounts(this.#failed),
      lost: sumOfCounts(this.#lost),
      bytes: this.#bytes(),
    };
  }

  /** The tally of the window, without what only some runs count; begins a new window. */
  tally(): Tally {
    const now = performance.now();
    const bytes = this.#bytes();
    const perClient = new Histogram();
    for (const client of this.#active) {
      if (client.windowStartBytes >= 0 && client.stalled !== true) {
        perClient.add(client.bytes - client.windowStartBytes);
      }
      client.windowStartBytes = client.bytes;
    }
    const tally: Tally = {
      ...emptyTally(),
      clients: this.total,
      joined: this.#joined,
      active: this.#active.size,
      failed: Object.fromEntries(this.#failed),
      lost: Object.fromEntries(this.#lost),
      seconds: (now - this.#windowStart) / 1000,
      bytes: bytes - this.#windowBytes,
      perClientBytes: perClient.toJSON(),
      firstMediaMs: this.#firstMedia.toJSON(),
    };
    this.#windowStart = now;
    this.#windowBytes = bytes;
    this.#firstMedia = new Histogram();
    return tally;
  }

  /** @returns whether it had joined */
  #remove(client: Client): boolean {
    this.#pending.delete(client);
    const joined = this.#active.delete(client);
    if (joined) this.#goneBytes += client.bytes;
    this.#gone++;
    this.#ramp?.release();
    return joined;
  }

  #bytes(): number {
    let bytes = this.#goneBytes;
    for (const client of this.#active) bytes += client.bytes;
    return bytes;
  }

  #settle(): void {
    this.#settled++;
    if (this.#settled < this.total) return;
    this.#ready.resolve();
    if (this.#options.rounds > 0) this.#finish.resolve();
  }
}
