import { Attendance } from './attendance.ts';
import { DueQueue } from './due-queue.ts';
import { Histogram } from './histogram.ts';
import type { LoadRun, Progress } from './load-run.ts';
import { localAddressOf } from './local-address.ts';
import type { PublishScript } from './publish-script.ts';
import { Publisher, type PublisherHandler } from './publisher.ts';
import { stampedCopy } from './stamp.ts';
import type { Tally } from './tally.ts';
import { numberedTarget, type Target } from './target.ts';

const READ_BUFFER_BYTES = 64 * 1024;
/** Publishers begin at moments that are spread over this time, ms, so that their messages are too. */
const PHASE_MS = 1000;
/** What a publisher of a round sends before it leaves, messages. */
const MESSAGES_PER_ROUND = 16;

/** What to publish, and how. */
export interface PublishRunOptions {
  /** `{n}` in the stream name stands for the publisher's number. */
  readonly target: Target;
  readonly address: string;
  readonly script: PublishScript;
  /** Publishers at a time, or in all without rounds. */
  readonly clients: number;
  /** Publish, send a few frames, leave: so many times in all. 0: publish once and stay. */
  readonly rounds: number;
  readonly ratePerSecond: number;
  /** How long a publisher may take until it is accepted, ms. */
  readonly joinTimeoutMs: number;
  /** The number of the first publisher. */
  readonly firstNumber: number;
  /** Told of each time stamp that is sent, in their order. */
  readonly onStamped?: (microseconds: number) => void;
}

interface Sender {
  readonly publisher: Publisher;
  /** When its present round of the script began, ms of `performance.now()`. */
  roundStart: number;
  /** Its next message. */
  position: number;
}

/**
 * Publishers of one script in this process. Each message of each publisher is written by itself when it is
 * due; the bytes are shared.
 */
export class PublishRun implements LoadRun, PublisherHandler {
  readonly finished: Promise<void>;
  readonly #options: PublishRunOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  readonly #attendance: Attendance<Publisher>;
  readonly #senders: (Sender | undefined)[] = [];
  readonly #slots = new Map<Publisher, number>();
  readonly #queue: DueQueue;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #messages = 0;
  #lateness = new Histogram();

  constructor(options: PublishRunOptions) {
    this.#options = options;
    this.#queue = new DueQueue(options.clients);
    this.#attendance = new Attendance({
      ...options,
      missed: 'not accepted',
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
      messages: this.#messages,
      latenessMs: this.#lateness.toJSON(),
    };
    this.#messages = 0;
    this.#lateness = new Histogram();
    return Promise.resolve(tally);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#attendance.stop();
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  onJoined(publisher: Publisher): void {
    this.#attendance.join(publisher);
    if (this.#options.rounds > 0) {
      this.#sendRound(publisher);
      return;
    }
    const slot = this.#slots.get(publisher) ?? 0;
    const roundStart = phaseStart(publisher.joinedAt, slot, this.#options.clients);
    this.#senders[slot] = { publisher, roundStart, position: 0 };
    this.#queue.push(roundStart + (this.#options.script.dueMs[0] ?? 0), slot);
    this.#schedule();
  }

  onEnd(publisher: Publisher, reason: string): void {
    const slot = this.#slots.get(publisher) ?? -1;
    this.#slots.delete(publisher);
    if (this.#senders[slot] !== undefined) this.#senders[slot] = undefined;
    this.#attendance.end(publisher, reason);
  }

  #launch(index: number): Publisher {
    const { target, address, script, firstNumber } = this.#options;
    const publisher = new Publisher({
      target: numberedTarget(target, firstNumber + index),
      address,
      localAddress: localAddressOf(address, index),
      readBuffer: this.#readBuffer,
      script,
      handler: this,
    });
    this.#slots.set(publisher, index);
    return publisher;
  }

  #sendRound(publisher: Publisher): void {
    const { script } = this.#options;
    const count = Math.min(MESSAGES_PER_ROUND, script.messages.length);
    for (let at = 0; at < count; at++) this.#send(publisher, at);
    publisher.leave();
    this.#slots.delete(publisher);
    this.#attendance.leave(publisher);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#queue.size === 0) return;
    const wait = Math.max(0, this.#queue.nextTime - performance.now());
    this.#timer = setTimeout(() => {
      this.#sendDue();
    }, wait);
  }

  #sendDue(): void {
    const { dueMs, durationMs } = this.#options.script;
    // Read once: a process that cannot keep up still gives its sockets a turn between two passes.
    const now = performance.now();
    while (this.#queue.nextTime <= now) {
      const sender = this.#senders[this.#queue.nextItem];
      if (sender === undefined || sender.publisher.ended) {
        this.#queue.pop();
        continue;
      }
      this.#lateness.add(now - this.#queue.nextTime);
      this.#send(sender.publisher, sender.position);
      sender.position++;
      if (sender.position === dueMs.length) {
        sender.position = 0;
        sender.roundStart += durationMs;
      }
      this.#queue.reschedule(sender.roundStart + (dueMs[sender.position] ?? 0));
    }
    this.#schedule();
  }

  #send(publisher: Publisher, position: number): void {
    const { script } = this.#options;
    const bytes = script.messages[position];
    if (bytes === undefined) return;
    const payloadBytes = script.messageBytes[position] ?? 0;
    const stampOffset = script.stampOffsets[position] ?? -1;
    this.#messages++;
    if (stampOffset < 0) {
      publisher.send(bytes, payloadBytes);
      return;
    }
    const microseconds = Math.round(performance.now() * 1000);
    this.#options.onStamped?.(microseconds);
    publisher.send(stampedCopy(bytes, stampOffset, microseconds), payloadBytes);
  }
}

/** The first moment from `now` on that has the phase of this publisher; a lone one need not wait. */
function phaseStart(now: number, slot: number, clients: number): number {
  if (clients === 1) return now;
  const phase = (slot / clients) * PHASE_MS;
  return phase + Math.ceil((now - phase) / PHASE_MS) * PHASE_MS;
}
