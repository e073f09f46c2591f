import type { Socket } from 'node:net';

import type { ServerSession } from '@sluice/rtmp';

import { type BandwidthEnd, BandwidthTest } from './bandwidth-test.ts';
import { BANDWIDTH_TICK_MS } from './names.ts';

/** What a test on a connection needs. */
export interface RunningTestOptions {
  /** `connect` has been accepted. */
  readonly session: Pick<ServerSession, 'sendCommand'>;
  readonly socket: Pick<Socket, 'bytesRead' | 'bytesWritten' | 'writableLength' | 'pause' | 'resume'>;
  readonly limitKbps: number;
  /** Whether the client sent a `swfUrl`. */
  readonly flash: boolean;
  /** Called once, unless {@link RunningBandwidthTest.close} comes before. */
  readonly onEnd: (end: BandwidthEnd) => void;
  /** See `BandwidthTestOptions`. */
  readonly durationMs?: number;
  readonly answerMs?: number;
}

/** A bandwidth test on a connection, with its clock. It is under way once it is made. */
export class RunningBandwidthTest {
  readonly #test: BandwidthTest;
  readonly #timer: NodeJS.Timeout;

  constructor(options: RunningTestOptions) {
    const { session, socket, onEnd, limitKbps, flash, durationMs, answerMs } = options;
    this.#test = new BandwidthTest(
      {
        limitKbps,
        flash,
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(answerMs === undefined ? {} : { answerMs }),
        onEnd: (end) => {
          clearInterval(this.#timer);
          onEnd(end);
        },
        link: {
          send: (name, data) => {
            session.sendCommand(name, 0, [null, data]);
          },
          bytesIn: () => socket.bytesRead,
          bytesOut: () => socket.bytesWritten,
          waitingBytes: () => socket.writableLength,
          holdReading: (hold) => {
            if (hold) socket.pause();
            else socket.resume();
          },
        },
      },
      performance.now(),
    );
    this.#timer = setInterval(() => {
      this.#test.tick(performance.now());
    }, BANDWIDTH_TICK_MS);
    this.#test.start(performance.now());
  }

  /** Takes a call of the client. Returns false for one that is no part of a test. */
  receive(name: string): boolean {
    return this.#test.receive(name, performance.now());
  }

  /** The connection is over. */
  close(): void {
    clearInterval(this.#timer);
    this.#test.close();
  }
}
