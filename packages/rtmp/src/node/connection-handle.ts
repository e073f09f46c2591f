import type { ClientSession, ServerProperties } from '../session/index.ts';

/** What a player or a publisher has of the connection below it. */
export interface RtmpClientConnectionHandle {
  /** Fulfilled when the connection is over, with the error that ended it if one did. Never rejected. */
  readonly closed: Promise<Error | undefined>;
  /** What the server said about itself; `undefined` before the connection is open. */
  readonly server: ServerProperties | undefined;
  /** The session below, for calls that the classes above don't wrap. */
  readonly session: ClientSession;
  /** Whether the socket takes more without buffering. */
  readonly writable: boolean;
  /** Fulfilled when the socket takes more without buffering, or is closed. */
  drained(): Promise<void>;
  /** Sends what is buffered, then closes. Fulfilled when closed; at the latest after the step's time limit. */
  close(): Promise<void>;
}
