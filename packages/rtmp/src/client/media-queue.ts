import type { MediaMessage } from '../session/index.ts';

/** Options of a {@link MediaQueue}. */
export interface MediaQueueOptions {
  /** Queued bytes from which on `onFull` asks the source to stop. */
  readonly highWaterBytes: number;
  readonly onFull: () => void;
  /** Everything has been taken: the source may go on. */
  readonly onDrained: () => void;
}

/**
 * Messages between a socket that pushes and a consumer that pulls (`for await`). It asks the source to stop when
 * it is full; what is on its way then still fits.
 */
export class MediaQueue implements AsyncIterator<MediaMessage, undefined> {
  readonly #options: MediaQueueOptions;
  readonly #messages: MediaMessage[] = [];
  readonly #waiting: {
    resolve: (result: IteratorResult<MediaMessage, undefined>) => void;
    reject: (error: Error) => void;
  }[] = [];
  #bytes = 0;
  #full = false;
  #ended = false;
  #error: Error | undefined;

  constructor(options: MediaQueueOptions) {
    this.#options = options;
  }

  push(message: MediaMessage): void {
    if (this.#ended) {
      return;
    }
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: message });
      return;
    }
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    if (!this.#full && this.#bytes >= this.#options.highWaterBytes) {
      this.#full = true;
      this.#options.onFull();
    }
  }

  /** No more messages will come; with an error, the consumer gets it after the last message. */
  end(error?: Error): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#error = error;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#error === undefined) {
        resolve({ done: true, value: undefined });
      } else {
        reject(this.#error);
        this.#error = undefined;
      }
    }
  }

  next(): Promise<IteratorResult<MediaMessage, undefined>> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#bytes -= message.payload.length;
      if (this.#full && this.#messages.length === 0) {
        this.#full = false;
        this.#options.onDrained();
      }
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#ended) {
      const error = this.#error;
      this.#error = undefined;
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }
}
