import type { ClientAction, ClientRequest, Verdict } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';

/** What a client may do, and the record of what it then did: address rules, tokens and HTTP callbacks. */
export interface Authorizer {
  /**
   * Whether the client may go on. A promise only where somebody has to be asked: a vhost without rules costs no turn
   * of the event loop.
   */
  check(action: ClientAction, client: ClientRequest): Verdict | Promise<Verdict>;
  /** An admitted client has begun to play or to publish. */
  began(action: 'play' | 'publish', client: ClientRequest): void;
  /**
   * An admitted client no longer plays or publishes. Called once for each admission, also where the client was gone
   * before it began.
   *
   * @param reason - why its connection ended, when that is what stopped it
   */
  ended(action: 'play' | 'publish', client: ClientRequest, reason: EndReason | undefined): void;
  /** The connection of a client that was admitted at `connect` has ended. */
  closed(
    client: ClientRequest,
    reason: EndReason,
    bytes: { readonly in: number; readonly out: number },
  ): void;
}

/** Admits everyone and records nothing: for tests. */
export const allowAll: Authorizer = {
  check: () => undefined,
  began: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
