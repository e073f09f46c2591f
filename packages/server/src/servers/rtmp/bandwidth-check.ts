import type { Socket } from 'node:net';

import type { ServerSession } from '@sluice/rtmp';

import { type BandwidthGate, bandwidthRejection, RunningBandwidthTest } from '../../bandwidth/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { EndReason } from '../../stats/index.ts';

/** The connection that a bandwidth test is made on. */
export interface TestedConnection {
  readonly session: ServerSession;
  readonly socket: Socket;
  /** Ends it; once the test has begun. */
  close(reason: EndReason, detail: string): void;
}

/** Each connection to a vhost with `bandcheck{}` is a bandwidth test, and nothing else (B001). */
export class BandwidthCheck {
  readonly #connection: TestedConnection;
  #test: RunningBandwidthTest | undefined;

  constructor(connection: TestedConnection) {
    this.#connection = connection;
  }

  /**
   * Why the client may have no test, which it is told; the connection is still to be rejected then. Undefined when it
   * may.
   */
  refusal(
    gate: BandwidthGate,
    vhost: VhostConfig,
    tcUrl: string,
  ): { readonly reason: EndReason; readonly detail: string } | undefined {
    const refusal = gate.check(vhost.bandcheck, tcUrl, performance.now());
    if (refusal !== undefined)
      this.#connection.session.sendCommand('onStatus', 0, [null, bandwidthRejection()]);
    return refusal;
  }

  /** Begins; the client's `connect` has been accepted. */
  start(vhost: VhostConfig, isFlash: boolean): void {
    const { session, socket } = this.#connection;
    this.#test = new RunningBandwidthTest({
      session,
      socket,
      limitKbps: vhost.bandcheck.limitKbps,
      flash: isFlash,
      onEnd: (end) => {
        if (end.kind === 'silent') {
          this.#connection.close('idle-timeout', `the bandwidth test waited in vain for ${end.waitedFor}`);
          return;
        }
        const { playKbps, publishKbps } = end.result;
        this.#connection.close(
          'bandwidth-tested',
          `${playKbps} kbps to the client, ${publishKbps} kbps from it`,
        );
      },
    });
  }

  /** Takes a call of the client; false for one that is no part of a test. */
  receive(name: string): boolean {
    return this.#test?.receive(name) ?? false;
  }

  /** The connection is over. */
  stop(): void {
    this.#test?.close();
  }
}
