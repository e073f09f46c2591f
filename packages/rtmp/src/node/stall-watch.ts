import type { Socket } from 'node:net';

/** Measures for how long a socket has taken nothing of what waits in it. */
export class StallWatch {
  readonly #socket: Socket;
  #taken = 0;
  #since: number;

  /** @param now ms of the monotonic clock */
  constructor(socket: Socket, now: number) {
    this.#socket = socket;
    this.#since = now;
  }

  reset(now: number): void {
    this.#since = now;
  }

  /** ms since the socket last took something or was empty, as far as calls of this method have seen it. */
  stalledMs(now: number): number {
    const { bytesWritten, writableLength } = this.#socket;
    const taken = bytesWritten - writableLength;
    if (writableLength === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#since = now;
    }
    return now - this.#since;
  }
}
