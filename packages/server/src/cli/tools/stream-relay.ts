import { RtmpError } from '@sluice/rtmp';

import { type Clock, liveDataBody, systemClock } from '../../files/index.ts';
import { PublishLink, retryDelay, type RetryPolicy } from '../../relay/ingest/index.ts';
import { MediaCount } from './media-count.ts';
import { watchStream } from './watch-stream.ts';

/** What a relay does. */
export interface StreamRelayOptions {
  /** The stream that is played. */
  readonly input: string;
  /** What it is published as. */
  readonly output: string;
  /** How it connects again when either side fails or the input ends. */
  readonly retry: RetryPolicy;
  /** ms for each step of a connection, between two messages, and for a server that takes nothing any more. */
  readonly timeoutMs: number;
  /** Told what goes on, in order. */
  readonly onEvent?: (event: StreamRelayEvent) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** What a relay tells. */
export type StreamRelayEvent =
  /** The input's media goes to the output from now on, for the first time or again. */
  | { readonly kind: 'publishing' }
  /** One side failed; the next attempt comes after `delayMs`. */
  | { readonly kind: 'retry'; readonly error: RtmpError; readonly delayMs: number };

/**
 * Plays a stream from one server and publishes it to another. Both connections are made together and go together;
 * the output is opened by the first message, so that a stream which is not there is not published either.
 */
export class StreamRelay {
  readonly count = new MediaCount();
  readonly #options: StreamRelayOptions;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #attempts = 0;
  #failures = 0;

  /** @param signal ends {@link run} in order */
  constructor(options: StreamRelayOptions, signal: AbortSignal) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#signal = signal;
  }

  /** Connections behind the first. */
  get reconnects(): number {
    return Math.max(0, this.#attempts - 1);
  }

  /**
   * Carries the stream; call it once. Fulfilled soon after the signal is aborted.
   *
   * @throws RtmpError one side failed and is not tried again
   */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#carry();
        if (!this.#isStopped()) throw new RtmpError('connection-closed', 'the input ended');
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #carry(): Promise<void> {
    const { input, output, timeoutMs } = this.#options;
    const signal = this.#signal;
    let link: PublishLink | undefined;
    try {
      for await (const message of watchStream(input, { timeoutMs, signal })) {
        const body = message.kind === 'data' ? liveDataBody(message.payload) : message.payload;
        if (body === undefined) continue;
        if (link === undefined) {
          link = await PublishLink.open(output, {
            timeoutMs,
            signal,
            clock: this.#clock,
            peer: 'the output',
          });
          if (link === undefined) return;
          this.#attempts += 1;
          this.#options.onEvent?.({ kind: 'publishing' });
        }
        await link.send({ type: message.flvTagType, timestamp: message.timestamp, body });
        const role = this.count.add(message);
        if (role !== 'data' && role !== 'header') this.#failures = 0;
      }
    } finally {
      await link?.close();
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#isStopped()) return;
    this.#failures += 1;
    const delayMs = retryDelay(this.#options.retry, this.#failures);
    if (!(error instanceof RtmpError) || delayMs === undefined) throw error;
    this.#options.onEvent?.({ kind: 'retry', error, delayMs });
    await this.#clock.sleep(delayMs, this.#signal);
  }

  /** A method, since the signal changes in any await, which the compiler doesn't see. */
  #isStopped(): boolean {
    return this.#signal.aborted;
  }
}
