import type { LookupFunction } from 'node:net';

import { FlvTagType } from '@sluice/media/flv';
import { RtmpError } from '@sluice/rtmp';
import { publish, type RtmpClientPublisher } from '@sluice/rtmp/node';

import { background } from '../../background.ts';
import type { Clock } from '../../files/index.ts';

/** How a {@link PublishLink} waits. */
export interface PublishLinkOptions {
  /** ms for each step of the connection, and for a server that takes nothing any more. */
  readonly timeoutMs: number;
  /** Ends every wait soon after it is aborted. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Resolves the host name of the URL. Default: the system's. */
  readonly lookup?: LookupFunction | undefined;
  /** Who is at the other end, in error messages. Default `the server`. */
  readonly peer?: string;
}

/** What is sent over a {@link PublishLink}: the body of an FLV tag, which must not be changed afterwards. */
export interface LinkMessage {
  readonly type: FlvTagType;
  /** ms */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** A publish to another server whose end is known, and that is waited for within a limit. */
export class PublishLink {
  readonly #publisher: RtmpClientPublisher;
  readonly #options: PublishLinkOptions;
  #failure: RtmpError | undefined;

  private constructor(publisher: RtmpClientPublisher, options: PublishLinkOptions) {
    this.#publisher = publisher;
    this.#options = options;
    const closed = publisher.connection.closed.then((error) => {
      const lost = new RtmpError('connection-closed', `${this.#peer} closed the connection`);
      this.#failure ??= error instanceof RtmpError ? error : lost;
    });
    background('an ingest', closed);
  }

  /**
   * Connects and publishes.
   *
   * @returns undefined when the signal was aborted meanwhile
   * @throws RtmpError as `publish` does
   */
  static async open(url: string, options: PublishLinkOptions): Promise<PublishLink | undefined> {
    const { timeoutMs, lookup } = options;
    const pending = publish(url, { timeoutMs, ...(lookup === undefined ? {} : { lookup }) });
    const publisher = await unlessAborted(pending, options.signal);
    if (publisher !== undefined) return new PublishLink(publisher, options);
    const closed = pending.then(
      (late) => late.close(),
      () => undefined,
    );
    background('closing a late ingest', closed);
    return undefined;
  }

  /** Why nothing more can be sent; undefined while it can. */
  get failure(): RtmpError | undefined {
    return this.#failure;
  }

  /**
   * Sends a message, and waits while the server takes no more.
   *
   * @throws RtmpError when the connection is over, takes nothing for the time limit, or the wait was aborted
   */
  async send({ type, timestamp, body }: LinkMessage): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const publisher = this.#publisher;
    let ready: boolean;
    if (type === FlvTagType.audio) ready = publisher.sendAudio(timestamp, body);
    else if (type === FlvTagType.video) ready = publisher.sendVideo(timestamp, body);
    else ready = publisher.sendData(timestamp, body);
    if (ready) return;
    const { clock, timeoutMs, signal } = this.#options;
    const drained = new AbortController();
    const patience = clock.sleep(timeoutMs, AbortSignal.any([signal, drained.signal]));
    const result = await Promise.race([
      publisher.drained().then(() => 'drained' as const),
      patience.then(() => 'stalled' as const),
    ]);
    drained.abort();
    if (result === 'drained') return;
    this.#failure ??= signal.aborted
      ? new RtmpError('connection-closed', `${this.#peer} took nothing any more when the stream was stopped`)
      : new RtmpError('timeout', `${this.#peer} took nothing for ${timeoutMs} ms`);
    throw this.#failure;
  }

  /** Ends the publish and the connection; what was sent is delivered, for the time limit at most. */
  async close(): Promise<void> {
    await this.#publisher.close();
  }

  get #peer(): string {
    return this.#options.peer ?? 'the server';
  }
}

/** The promise's value, or undefined when the signal is aborted first. */
export async function unlessAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value | undefined> {
  if (signal === undefined) return promise;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => {
      resolve(undefined);
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
