import { createDeferred } from './deferred.ts';
import { Histogram } from './histogram.ts';
import { Ramp } from './ramp.ts';
import { countReason, sumOfCounts, type Tally } from './tally.ts';

const SWEEP_MS = 250;

/** A connection of a run, from its start on. */
export interface Attendee {
  /** When it was started, ms of `performance.now()`. */
  readonly startedAt: number;
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

/** The connections of a run: started at a steady rate, and counted as they join, fail, leave and are lost. */
export class Attendance<Client extends Attendee> {
  /** Resolves when every round is over, or the last connection is gone. */
  readonly finished: Promise<void>;
  readonly #options: AttendanceOptions<Client>;
  readonly #pending = new Set<Client>();
  readonly #failed = new Map<string, number>();
  readonly #lost = new Map<string, number>();
  readonly #ready = createDeferred();
  readonly #finish = createDeferred();
  #ramp: Ramp | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #joined = 0;
  #settled = 0;
  #gone = 0;
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
   * @param joined whether it had joined before
   * @param expected it was provoked: neither failed nor lost
   */
  end(client: Client, reason: string, joined: boolean, expected = false): void {
    this.#remove(client);
    if (!expected) countReason(joined ? this.#lost : this.#failed, reason);
    if (!joined || this.#options.rounds > 0) this.#settle();
    if (this.#gone === this.total) this.#finish.resolve();
  }

  /** Starts no more, closes those that have not joined, and resolves what waits. */
  stop(): void {
    this.#ramp?.stop();
    clearInterval(this.#sweep);
    for (const client of this.#pending) client.leave();
    this.#ready.resolve();
    this.#finish.resolve();
  }

  /** Its counts for a progress line. */
  progress(): { joined: number; failed: number; lost: number } {
    return { joined: this.#joined, failed: sumOfCounts(this.#failed), lost: sumOfCounts(this.#lost) };
  }

  /** Its part of a tally; begins a new window. */
  tally(): Pick<Tally, 'clients' | 'joined' | 'failed' | 'lost' | 'firstMediaMs'> {
    const firstMediaMs = this.#firstMedia.toJSON();
    this.#firstMedia = new Histogram();
    return {
      clients: this.total,
      joined: this.#joined,
      failed: Object.fromEntries(this.#failed),
      lost: Object.fromEntries(this.#lost),
      firstMediaMs,
    };
  }

  #remove(client: Client): void {
    this.#pending.delete(client);
    this.#gone++;
    this.#ramp?.release();
  }

  #settle(): void {
    this.#settled++;
    if (this.#settled < this.total) return;
    this.#ready.resolve();
    if (this.#options.rounds > 0) this.#finish.resolve();
  }
}
