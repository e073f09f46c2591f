import type { Frame } from './frame.ts';
import type { FrameSink } from './frame-sink.ts';

/** The sinks of one stream. One that breaks is let go; the stream and its players go on. */
export class SinkList {
  readonly #onWarning: (message: string) => void;
  /** Never changed in place: a sink may be detached while a frame goes round. */
  #sinks: readonly FrameSink[] = [];

  constructor(onWarning: (message: string) => void) {
    this.#onWarning = onWarning;
  }

  /**
   * Adds a sink.
   *
   * @param headers - what it has missed, and is given first (L023)
   */
  attach(sink: FrameSink, headers: readonly Frame[]): void {
    this.#sinks = [...this.#sinks, sink];
    for (const header of headers) this.#writeTo(sink, header);
  }

  /** Ends a sink; harmless when it is detached already. */
  detach(sink: FrameSink): void {
    this.#detach(sink, this.#onWarning);
  }

  /**
   * Ends them all.
   *
   * @param onWarning - told what goes wrong: the publisher that they were attached for, which is the stream's no more
   */
  detachAll(onWarning: (message: string) => void): void {
    for (const sink of this.#sinks) this.#detach(sink, onWarning);
  }

  /** Gives every sink the next frame, whose body is lent. */
  write(frame: Frame): void {
    for (const sink of this.#sinks) this.#writeTo(sink, frame);
  }

  #detach(sink: FrameSink, onWarning: (message: string) => void): void {
    if (!this.#sinks.includes(sink)) return;
    this.#sinks = this.#sinks.filter((other) => other !== sink);
    try {
      sink.end();
    } catch (error) {
      onWarning(`a sink failed at its end: ${describe(error)}`);
    }
  }

  #writeTo(sink: FrameSink, frame: Frame): void {
    try {
      sink.write(frame);
    } catch (error) {
      this.#onWarning(`a sink failed and is detached: ${describe(error)}`);
      this.detach(sink);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
