import { type Publication, StreamBusyError } from '../live/index.ts';
import { clientTimes } from './limits.ts';

/** How an attempt to publish ends; one of `published`, `busy` and `failed` is called, unless it is given up. */
export interface PublishOutcome {
  published(publication: Publication): void;
  /** Another one publishes the stream; it is waited for once (P005). */
  waits(error: StreamBusyError): void;
  /** It still does. */
  busy(error: StreamBusyError): void;
  /** What was thrown in a turn of the attempt's own. */
  failed(error: unknown): void;
}

/** Takes a stream to publish it, at once or when it is free. */
export class PublishAttempt {
  readonly #publish: () => Publication;
  readonly #outcome: PublishOutcome;
  #timer: NodeJS.Timeout | undefined;

  /** @param publish - takes the stream; throws StreamBusyError while another one has it */
  constructor(publish: () => Publication, outcome: PublishOutcome) {
    this.#publish = publish;
    this.#outcome = outcome;
  }

  /** Tries. @throws what `publish` and `published` throw, but StreamBusyError */
  start(): void {
    const publication = this.#take((error) => {
      this.#outcome.waits(error);
      this.#timer = setTimeout(() => {
        this.#retry();
      }, clientTimes.busyWait);
    });
    if (publication !== undefined) this.#outcome.published(publication);
  }

  /** Gives up. */
  cancel(): void {
    clearTimeout(this.#timer);
  }

  #retry(): void {
    try {
      const publication = this.#take((error) => {
        this.#outcome.busy(error);
      });
      if (publication === undefined) return;
      this.#outcome.published(publication);
      // What came meanwhile was no read that would be followed by a flush.
      publication.flush();
    } catch (error) {
      this.#outcome.failed(error);
    }
  }

  #take(onBusy: (error: StreamBusyError) => void): Publication | undefined {
    try {
      return this.#publish();
    } catch (error) {
      if (!(error instanceof StreamBusyError)) throw error;
      onBusy(error);
      return undefined;
    }
  }
}
