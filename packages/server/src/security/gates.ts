import type { EndReason } from '../stats/index.ts';
import type { ClientAction, ClientRequest, Verdict } from './client.ts';

/** What every door asks before a client may go on, and tells when it has ended. */
export interface Gates {
  /**
   * Whether the client may go on. A promise only where somebody has to be asked: what has no rules costs no turn of
   * the event loop.
   */
  check(action: ClientAction, client: ClientRequest): Verdict | Promise<Verdict>;
  /** A client that was let in has begun to play or to publish. */
  entered(action: 'play' | 'publish', client: ClientRequest): void;
  /**
   * A client that was let in has stopped to play or to publish.
   *
   * @param reason - why its connection ended, when that is what stopped it
   */
  left(action: 'play' | 'publish', client: ClientRequest, reason: EndReason | undefined): void;
  /** The connection of a client that was let in at `connect` has ended. */
  closed(
    client: ClientRequest,
    reason: EndReason,
    bytes: { readonly in: number; readonly out: number },
  ): void;
}

/** Lets everyone in and tells nobody: for tests and as a default. */
export const openGates: Gates = {
  check: () => undefined,
  entered: () => undefined,
  left: () => undefined,
  closed: () => undefined,
};
