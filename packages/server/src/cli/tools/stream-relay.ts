import { FlvTagType } from '@sluice/media/flv';
import { type MediaMessage, RtmpError } from '@sluice/rtmp';
import { publish, type RtmpPublisher } from '@sluice/rtmp/node';

import { type Clock, liveDataBody, systemClock } from '../../files/index.ts';
import type { RetryPolicy } from '../../relay/ingest/index.ts';
import { MediaCount } from './media-count.ts';
import { unlessAborted, watchStream } from './watch-stream.ts';

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

const DEFAULT_FIRST_DELAY_MS = 1_000;
const DEFAULT_MAX_DELAY_MS = 30_000;

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
    let link: OutputLink | undefined;
    try {
      for await (const message of watchStream(input, { timeoutMs, signal })) {
        const body = message.type === FlvTagType.script ? liveDataBody(message.payload) : message.payload;
        if (body === undefined) continue;
        if (link === undefined) {
          const publisher = await this.#open(output);
          if (publisher === undefined) return;
          link = new OutputLink(publisher, this.#clock, timeoutMs);
          this.#attempts += 1;
          this.#options.onEvent?.({ kind: 'publishing' });
        }
        await link.send({ ...message, payload: body }, signal);
        const role = this.count.add(message);
        if (role !== 'data' && role !== 'header') this.#failures = 0;
      }
    } finally {
      await link?.close();
    }
  }

  async #open(output: string): Promise<RtmpPublisher | undefined> {
    const pending = publish(output, { timeoutMs: this.#options.timeoutMs });
    const publisher = await unlessAborted(pending, this.#signal);
    if (publisher === undefined) {
      void pending.then(
        (late) => late.close(),
        () => undefined,
      );
    }
    return publisher;
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#isStopped()) return;
    const {
      attempts,
      firstDelayMs = DEFAULT_FIRST_DELAY_MS,
      maxDelayMs = DEFAULT_MAX_DELAY_MS,
    } = this.#options.retry;
    this.#failures += 1;
    if (!(error instanceof RtmpError) || this.#failures > attempts) throw error;
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(30, this.#failures - 1));
    this.#options.onEvent?.({ kind: 'retry', error, delayMs });
    await this.#clock.sleep(delayMs, this.#signal);
  }

  /** A method, since the signal changes in any await, which the compiler doesn't see. */
  #isStopped(): boolean {
    return this.#signal.aborted;
  }
}

/** A publisher whose end is known, and that is waited for within a limit. */
class OutputLink {
  readonly #publisher: RtmpPublisher;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #failure: RtmpError | undefined;

  constructor(publisher: RtmpPublisher, clock: Clock, timeoutMs: number) {
    this.#publisher = publisher;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    void publisher.connection.closed.then((error) => {
      const lost = new RtmpError('connection-closed', 'the output closed the connection');
      this.#failure ??= error instanceof RtmpError ? error : lost;
    });
  }

  /** @throws RtmpError when the connection is over, or takes nothing for the time limit. */
  async send({ type, timestamp, payload }: MediaMessage, signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const publisher = this.#publisher;
    let ready: boolean;
    if (type === FlvTagType.audio) ready = publisher.sendAudio(timestamp, payload);
    else if (type === FlvTagType.video) ready = publisher.sendVideo(timestamp, payload);
    else ready = publisher.sendData(timestamp, payload);
    if (ready) return;
    const drained = new AbortController();
    const patience = this.#clock.sleep(this.#timeoutMs, AbortSignal.any([signal, drained.signal]));
    const result = await Promise.race([
      publisher.drained().then(() => 'drained' as const),
      patience.then(() => 'stalled' as const),
    ]);
    drained.abort();
    if (result === 'drained' || signal.aborted) return;
    throw new RtmpError('timeout', `the output took nothing for ${this.#timeoutMs} ms`);
  }

  async close(): Promise<void> {
    await this.#publisher.close();
  }
}
