import type { VhostConfig } from '../config/index.ts';
import type { ClientAction, ClientRequest, OutboundLimit, Refusal, Verdict } from '../security/index.ts';
import { answerProblem } from './answer.ts';
import { eventBody, gateBody, type HookIdentity } from './bodies.ts';
import { DeadLetters } from './dead-letters.ts';
import { Deliveries } from './deliveries.ts';
import type { Delivery } from './delivery.ts';
import { CallError } from './errors.ts';
import type { HookEvent } from './events.ts';
import { HlsNotify } from './hls-notify.ts';
import { HttpCaller, placeOf } from './http-caller.ts';
import { LaneOrder, type OrderedStep } from './lane-order.ts';
import { defaultHookLimits, type HookLimits } from './limits.ts';
import { Complaints, type HookLog } from './outage.ts';
import { Publishers, streamKey } from './publishers.ts';

/** The URLs that are asked, by what the client wants. */
const gates = { connect: 'onConnect', publish: 'onPublish', play: 'onPlay' } as const satisfies Record<
  ClientAction,
  keyof VhostConfig['httpHooks']
>;

/** The URLs that are told. */
const tellings = {
  on_close: 'onClose',
  on_unpublish: 'onUnpublish',
  on_stop: 'onStop',
  on_dvr: 'onDvr',
  on_hls: 'onHls',
} as const satisfies Record<HookEvent['action'], keyof VhostConfig['httpHooks']>;

/** What {@link HttpCallbacks} needs. */
export interface HttpCallbacksOptions extends HookIdentity {
  readonly log: HookLog;
  /** Where events go that could not be delivered; empty is nowhere. */
  readonly deadLetterFile: string;
  readonly limits?: Partial<HookLimits> | undefined;
  /** Default: every URL is the administrator's. */
  readonly outbound?: OutboundLimit | undefined;
}

/** What callbacks have done since the start. */
export interface HookFigures {
  /** Clients that were asked for. */
  readonly asked: number;
  /** Of these, refused. */
  readonly denied: number;
  /** Clients that wait for an answer now. */
  readonly waiting: number;
  /** Events that wait, or are on their way. */
  readonly queued: number;
  readonly delivered: number;
  /** Received, but the answer was no yes. */
  readonly refused: number;
  /** Tries of events that failed and are made again. */
  readonly retried: number;
  /** Events given up. */
  readonly dead: number;
  /** Of these, not even in the dead-letter file. */
  readonly lost: number;
}

/**
 * The HTTP callbacks of all vhosts (spec 1.12): asks before a client may connect, play or publish, and tells what
 * has happened. The URLs are those of the vhost that comes with each question and event, so a reload takes effect
 * at once.
 */
export class HttpCallbacks {
  readonly #identity: HookIdentity;
  /** The events have connections of their own, so that no client waits behind them. */
  readonly #gateCaller: HttpCaller;
  readonly #eventCaller: HttpCaller;
  readonly #notifyCaller: HttpCaller;
  readonly #deadLetters: DeadLetters;
  readonly #deliveries: Deliveries;
  readonly #notify: HlsNotify;
  readonly #publishers: Publishers;
  readonly #order = new LaneOrder();
  readonly #maxQueuedEvents: number;
  readonly #notifyWaitMs: number;
  readonly #complaints: Complaints;
  #asked = 0;
  #denied = 0;

  constructor(options: HttpCallbacksOptions) {
    const { log } = options;
    const limits = { ...defaultHookLimits, ...options.limits };
    this.#identity = options;
    const { maxAnswerBytes } = limits;
    const { outbound } = options;
    this.#gateCaller = new HttpCaller({
      connections: limits.gateConnections,
      maxOpen: limits.maxOpenGates,
      maxAnswerBytes,
      outbound,
    });
    this.#eventCaller = new HttpCaller({
      connections: limits.eventConnections,
      maxOpen: Infinity,
      maxAnswerBytes,
      outbound,
    });
    this.#notifyCaller = new HttpCaller({
      connections: limits.maxOpenNotifies,
      maxOpen: limits.maxOpenNotifies,
      maxAnswerBytes,
      outbound,
    });
    this.#deadLetters = new DeadLetters({
      log,
      file: options.deadLetterFile,
      maxBytes: limits.maxDeadLetterBytes,
      maxPendingBytes: limits.maxPendingDeadLetterBytes,
    });
    this.#deliveries = new Deliveries({
      log,
      caller: this.#eventCaller,
      limits,
      deadLetters: this.#deadLetters,
      waitingBefore: () => this.#order.waiting,
    });
    this.#notify = new HlsNotify({
      log,
      caller: this.#notifyCaller,
      isLimited: (url) => outbound?.isLimited(url) === true,
      serverId: options.serverId,
      serviceId: options.serviceId,
      timeoutMs: limits.notifyTimeoutMs,
      maxOpen: limits.maxOpenNotifies,
    });
    this.#publishers = new Publishers({ maxEntries: limits.maxPublishers, keepMs: limits.keepPublisherMs });
    this.#maxQueuedEvents = limits.maxQueuedEvents;
    this.#notifyWaitMs = limits.notifyWaitMs;
    this.#complaints = new Complaints(log, 'callbacks');
  }

  get figures(): HookFigures {
    return {
      asked: this.#asked,
      denied: this.#denied,
      waiting: this.#gateCaller.open,
      ...this.#deliveries.figures,
      queued: this.#queued,
      lost: this.#deadLetters.lost,
    };
  }

  /**
   * Asks whether a client may go on: each URL in order, until one says no. Whatever isn't a yes in time is a no
   * (K003).
   *
   * @returns undefined at once when there is nobody to ask
   */
  check(action: ClientAction, client: ClientRequest): Promise<Verdict> | undefined {
    const { httpHooks } = client.vhost;
    if (!httpHooks.enabled) return undefined;
    const urls = httpHooks[gates[action]];
    return urls.length === 0 ? undefined : this.#ask(action, client, urls);
  }

  /** A client publishes from now: the files of its stream are told with its id. Its `on_unpublish` ends it. */
  published(client: ClientRequest): void {
    if (client.vhost.httpHooks.enabled) this.#publishers.began(client);
  }

  /**
   * Tells what has happened, at least once. The events of one publisher and its stream keep their order, whatever URLs
   * they go to, and those of one player do; what belongs to different clients goes side by side.
   */
  tell(event: HookEvent): void {
    const isFile = event.action === 'on_dvr' || event.action === 'on_hls';
    const vhost = isFile ? event.vhost : event.client.vhost;
    // Also where callbacks are off: a reload may have switched them off while it published.
    const lane = isFile ? streamKey(event) : (this.#publishers.streamOf(event.client.id) ?? event.client.id);
    if (event.action === 'on_unpublish') this.#publishers.ended(event.client.id);
    const { httpHooks } = vhost;
    if (!httpHooks.enabled) return;
    const publisher = isFile ? this.#publishers.ofStream(lane) : undefined;
    const urls = httpHooks[tellings[event.action]];
    if (urls.length > 0) {
      const body = JSON.stringify(eventBody(event, publisher, this.#identity));
      const { timeoutMs } = httpHooks;
      this.#inTurn(lane, {
        limitMs: timeoutMs,
        run: (done) => {
          this.#deliver(urls, { lane, action: event.action, body, timeoutMs }, done);
        },
      });
    }
    if (event.action !== 'on_hls' || httpHooks.onHlsNotify.length === 0) return;
    this.#inTurn(lane, {
      limitMs: this.#notifyWaitMs,
      run: (done) => {
        this.#notify.segment(event, publisher?.param ?? '', done);
      },
    });
  }

  /**
   * Ends the callbacks. Everybody who is told has to be gone: what is told later goes to the dead letters.
   *
   * @param graceMs - how long events may take to be delivered; the rest goes to the dead letters
   */
  async close(graceMs = 3_000): Promise<void> {
    this.#order.close();
    await this.#deliveries.close(graceMs);
    await Promise.all([this.#gateCaller.close(), this.#eventCaller.close(), this.#notifyCaller.close()]);
  }

  get #queued(): number {
    return this.#deliveries.figures.queued + this.#order.waiting;
  }

  /** Does something in its turn; at once when too much waits, for which deliveries go to the dead letters. */
  #inTurn(lane: string, step: OrderedStep): void {
    if (this.#queued < this.#maxQueuedEvents) this.#order.add(lane, step);
    else step.run(() => undefined);
  }

  /** @param done - called when every URL has been tried */
  #deliver(urls: readonly string[], delivery: Omit<Delivery, 'url' | 'onTried'>, done: () => void): void {
    let untried = urls.length;
    const onTried = (): void => {
      untried -= 1;
      if (untried === 0) done();
    };
    for (const url of urls) this.#deliveries.add({ ...delivery, url, onTried });
  }

  async #ask(action: ClientAction, client: ClientRequest, urls: readonly string[]): Promise<Verdict> {
    this.#asked += 1;
    const body = JSON.stringify(gateBody(action, client, this.#identity));
    const { timeoutMs } = client.vhost.httpHooks;
    for (const url of urls) {
      const problem = await this.#askOne(url, body, timeoutMs);
      if (problem === undefined) continue;
      this.#denied += 1;
      return this.#refusal(`on_${action}: ${placeOf(url)} ${problem}`);
    }
    return undefined;
  }

  /** What keeps the client from going on; undefined when nothing does. */
  async #askOne(url: string, body: string, timeoutMs: number): Promise<string | undefined> {
    try {
      const { status, body: text } = await this.#gateCaller.call({ method: 'POST', url, body, timeoutMs });
      return answerProblem(status, text);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // The log tells a server that is in trouble from one that says no.
      this.#complaints.say(`${placeOf(url)} ${error.message}`);
      return `did not answer: ${error.message}`;
    }
  }

  #refusal(detail: string): Refusal {
    return { reason: 'hook-denied', detail };
  }
}
