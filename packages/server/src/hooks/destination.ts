import { background } from '../background.ts';
import { answerProblem } from './answer.ts';
import type { Delivery } from './delivery.ts';
import { CallError } from './errors.ts';
import { type HttpCaller, placeOf } from './http-caller.ts';
import type { HookLimits } from './limits.ts';
import { Complaints, type HookLog, Outage } from './outage.ts';

/** What a {@link Destination} needs. */
export interface DestinationOptions {
  readonly log: HookLog;
  readonly caller: HttpCaller;
  readonly limits: HookLimits;
  /** @param refused - it was received, but not with a yes */
  readonly onDelivered: (delivery: Delivery, refused: boolean) => void;
  readonly onRetry: () => void;
  /** @param toldAt - ms since the epoch */
  readonly onDead: (delivery: Delivery, toldAt: number, problem: string) => void;
}

/** A delivery and what has happened to it. */
interface Waiting {
  readonly delivery: Delivery;
  /** ms since the epoch. */
  readonly toldAt: number;
  tries: number;
  /** `onTried` has been called. */
  toldTried: boolean;
  /** When it was tried first, ms of the monotonic clock. */
  triedAt: number;
  /** Why its last try failed; empty before that. */
  problem: string;
}

/** Events that have to be delivered one after the other. */
interface Lane {
  readonly name: string;
  readonly waiting: Waiting[];
  /** The pause before its next try. */
  timer: NodeJS.Timeout | undefined;
}

/** How a try ended: `retry` may work later, `hopeless` never will. */
type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused' | 'retry' | 'hopeless'; readonly problem: string; readonly sort: string };

/**
 * One URL that events are posted to. Lanes go side by side; within a lane there is one event at a time. What fails
 * is tried again after a pause that grows. When many fail in a row the server is taken to be down: one event at a
 * time asks whether it is back, and then everything goes on.
 */
export class Destination {
  readonly url: string;
  readonly #options: DestinationOptions;
  readonly #outage: Outage;
  readonly #complaints: Complaints;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes whose first event can be sent. */
  readonly #ready = new Set<Lane>();
  #sending = 0;
  /** In a row. */
  #failures = 0;
  /** Since it last worked. */
  #pauses = 0;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, options: DestinationOptions) {
    this.url = url;
    this.#options = options;
    this.#outage = new Outage(options.log, `callback ${placeOf(url)}`);
    this.#complaints = new Complaints(options.log, `callback ${placeOf(url)}`);
  }

  /** Whether nothing waits. */
  get idle(): boolean {
    return this.#lanes.size === 0 && this.#pause === undefined;
  }

  add(delivery: Delivery): void {
    const waiting = { delivery, toldAt: Date.now(), tries: 0, toldTried: false, triedAt: 0, problem: '' };
    const known = this.#lanes.get(delivery.lane);
    if (known !== undefined) known.waiting.push(waiting);
    if (known !== undefined || this.#isDown) tellTried(waiting);
    if (known !== undefined) return;
    const lane = { name: delivery.lane, waiting: [waiting], timer: undefined };
    this.#lanes.set(lane.name, lane);
    this.#ready.add(lane);
    this.#pump();
  }

  /**
   * Gives everything up.
   *
   * @param why - is told before what went wrong in the last try
   */
  close(why: string): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      for (const { delivery, toldAt, problem } of lane.waiting) {
        this.#options.onDead(delivery, toldAt, problem === '' ? why : `${why}; the last try: ${problem}`);
      }
    }
    this.#lanes.clear();
    this.#ready.clear();
  }

  get #isDown(): boolean {
    return this.#failures >= this.#options.limits.failuresUntilPause;
  }

  #pump(): void {
    if (this.#closed || this.#pause !== undefined) return;
    const most = this.#isDown ? 1 : this.#options.limits.eventConnections;
    for (const lane of this.#ready) {
      if (this.#sending >= most) return;
      const [first] = lane.waiting;
      this.#ready.delete(lane);
      if (first === undefined) continue;
      this.#sending += 1;
      background('a callback', this.#send(lane, first));
    }
  }

  async #send(lane: Lane, first: Waiting): Promise<void> {
    if (first.tries === 0) first.triedAt = performance.now();
    first.tries += 1;
    const outcome = await this.#attempt(first.delivery);
    tellTried(first);
    this.#sending -= 1;
    if (this.#closed) return;
    if (outcome.kind === 'retry') this.#failed(lane, first, outcome.problem, outcome.sort);
    else this.#finished(lane, first, outcome);
    this.#pump();
  }

  async #attempt({ url, body, timeoutMs }: Delivery): Promise<Outcome> {
    let answer;
    try {
      answer = await this.#options.caller.call({ method: 'POST', url, body, timeoutMs });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Too long an answer came from a server that has got the event.
      const kind = error.code === 'too-large' ? 'refused' : 'retry';
      return { kind, problem: error.message, sort: error.code };
    }
    const problem = answerProblem(answer.status, answer.body);
    if (problem === undefined) return { kind: 'delivered' };
    const { status } = answer;
    if (status === 200) return { kind: 'refused', problem, sort: 'answer' };
    const mayWork = status >= 500 || status === 408 || status === 429;
    return { kind: mayWork ? 'retry' : 'hopeless', problem, sort: String(status) };
  }

  #finished(lane: Lane, first: Waiting, outcome: Exclude<Outcome, { kind: 'retry' }>): void {
    const { onDelivered, onDead } = this.#options;
    this.#failures = 0;
    this.#pauses = 0;
    this.#outage.clear();
    this.#next(lane);
    if (outcome.kind === 'delivered') {
      onDelivered(first.delivery, false);
      return;
    }
    this.#complaints.say(`${first.delivery.action}: ${outcome.problem}`);
    if (outcome.kind === 'refused') onDelivered(first.delivery, true);
    else onDead(first.delivery, first.toldAt, outcome.problem);
  }

  #failed(lane: Lane, first: Waiting, problem: string, sort: string): void {
    const { limits, onDead, onRetry } = this.#options;
    first.problem = problem;
    this.#failures += 1;
    const message = `${first.delivery.action}: ${problem}; it is tried again`;
    if (this.#isDown) this.#outage.raise(sort, message);
    else this.#complaints.say(message);
    if (performance.now() - first.triedAt >= limits.giveUpMs) {
      this.#next(lane);
      onDead(first.delivery, first.toldAt, problem);
    } else {
      onRetry();
      lane.timer = setTimeout(() => {
        lane.timer = undefined;
        this.#ready.add(lane);
        this.#pump();
      }, this.#delay(first.tries));
    }
    if (!this.#isDown || this.#pause !== undefined) return;
    this.#pauses += 1;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, this.#delay(this.#pauses));
  }

  /** @param tries - that failed */
  #delay(tries: number): number {
    const { firstRetryMs, maxRetryMs } = this.#options.limits;
    return Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(tries - 1, 30));
  }

  /** The first event of a lane is done with. */
  #next(lane: Lane): void {
    lane.waiting.shift();
    if (lane.waiting.length === 0) this.#lanes.delete(lane.name);
    else this.#ready.add(lane);
  }
}

function tellTried(waiting: Waiting): void {
  if (waiting.toldTried) return;
  waiting.toldTried = true;
  waiting.delivery.onTried?.();
}
