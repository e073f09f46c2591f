import type { MediaQueue } from '../client/index.ts';
import type { MediaMessage } from '../session/index.ts';
import type { RtmpClientConnectionHandle } from './connection-handle.ts';

/**
 * A stream being played. Iterate it with `for await` unless `onMedia` was given; leaving the loop closes the
 * connection. The iteration ends when the server ends the play or the connection, and throws the error that broke
 * it.
 */
export class RtmpClientPlayer<
  Connection extends RtmpClientConnectionHandle = RtmpClientConnectionHandle,
> implements AsyncIterable<MediaMessage> {
  /** The connection below; `connection.closed` tells its end. */
  readonly connection: Connection;
  readonly #queue: MediaQueue;

  constructor(connection: Connection, queue: MediaQueue) {
    this.connection = connection;
    this.#queue = queue;
  }

  /** Asks the server to pause or to go on. */
  pause(paused: boolean): void {
    this.connection.session.pause(paused);
  }

  receiveAudio(on: boolean): void {
    this.connection.session.receiveAudio(on);
  }

  receiveVideo(on: boolean): void {
    this.connection.session.receiveVideo(on);
  }

  /** Ends the play and the connection. */
  async close(): Promise<void> {
    this.connection.session.stop();
    await this.connection.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<MediaMessage, undefined> {
    return {
      next: () => this.#queue.next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }
}
