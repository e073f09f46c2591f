import type { DeadLetters } from './dead-letters.ts';
import type { Delivery } from './delivery.ts';
import { Destination } from './destination.ts';
import type { HttpCaller } from './http-caller.ts';
import type { HookLimits } from './limits.ts';
import type { HookLog } from './outage.ts';

/** More URLs than these are forgotten while nothing waits for them. */
const MAX_IDLE_DESTINATIONS = 64;

/** What has become of the events that were told. */
export interface DeliveryFigures {
  /** Waiting, or on their way. */
  readonly queued: number;
  readonly delivered: number;
  /** Received, but the answer was no yes. */
  readonly refused: number;
  /** Tries that failed and are made again. */
  readonly retried: number;
  /** Given up and written to the dead letters. */
  readonly dead: number;
}

/** What {@link Deliveries} needs. */
export interface DeliveriesOptions {
  readonly log: HookLog;
  readonly caller: HttpCaller;
  readonly limits: HookLimits;
  readonly deadLetters: DeadLetters;
  /** Events that wait for their turn elsewhere, which count against the limit. Default: none. */
  readonly waitingBefore?: () => number;
}

/**
 * The events that are told after the fact, on their way to the callback servers: at least once each, tried again
 * while a server is down, and given to the dead letters in the end. Each URL has a queue of its own, so that one
 * server that is down doesn't hold up another.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #destinations = new Map<string, Destination>();
  readonly #counts = { delivered: 0, refused: 0, retried: 0, dead: 0 };
  #queued = 0;
  #queuedBytes = 0;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  get figures(): DeliveryFigures {
    return { queued: this.#queued, ...this.#counts };
  }

  add(delivery: Delivery): void {
    const { limits, log, caller, waitingBefore } = this.#options;
    const events = this.#queued + (waitingBefore?.() ?? 0);
    const isFull =
      events >= limits.maxQueuedEvents || this.#queuedBytes + delivery.body.length > limits.maxQueuedBytes;
    if (this.#closed || isFull) {
      const problem = isFull
        ? `${events} events of ${this.#queuedBytes} bytes wait already`
        : 'the server is stopping';
      this.#bury(delivery, Date.now(), problem);
      delivery.onTried?.();
      return;
    }
    this.#queued += 1;
    this.#queuedBytes += delivery.body.length;
    let destination = this.#destinations.get(delivery.url);
    if (destination === undefined) {
      this.#forgetIdle();
      destination = new Destination(delivery.url, {
        log,
        caller,
        limits,
        onDelivered: (delivered, refused) => {
          this.#counts[refused ? 'refused' : 'delivered'] += 1;
          this.#gone(delivered);
        },
        onRetry: () => {
          this.#counts.retried += 1;
        },
        onDead: (dead, toldAt, problem) => {
          this.#bury(dead, toldAt, problem);
          this.#gone(dead);
        },
      });
      this.#destinations.set(delivery.url, destination);
    }
    destination.add(delivery);
  }

  /**
   * Takes no more events and waits for those that are on their way.
   *
   * @param graceMs - what is not delivered by then goes to the dead letters
   */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    if (this.#queued > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const destination of [...this.#destinations.values()]) destination.close('the server is stopping');
    this.#destinations.clear();
    await this.#options.deadLetters.settled();
  }

  /** URLs that no reload has left in use. */
  #forgetIdle(): void {
    if (this.#destinations.size < MAX_IDLE_DESTINATIONS) return;
    for (const [url, destination] of this.#destinations) if (destination.idle) this.#destinations.delete(url);
  }

  #bury(delivery: Delivery, toldAt: number, problem: string): void {
    this.#counts.dead += 1;
    this.#options.deadLetters.add({
      time: new Date(toldAt).toISOString(),
      url: delivery.url,
      problem,
      event: JSON.parse(delivery.body),
    });
  }

  #gone({ body }: Delivery): void {
    this.#queued -= 1;
    this.#queuedBytes -= body.length;
    if (this.#queued === 0) this.#idle?.();
  }
}
