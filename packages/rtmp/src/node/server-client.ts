import type { ConnectRequest } from '../session/index.ts';

/** What a publisher or player has of the `RtmpServerConnection` below it. */
export interface RtmpServerClient {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Whether the connection is encrypted (RTMPS). */
  readonly secure: boolean;
  /** Free for the program: what it knows of this client. */
  data: unknown;
  /** The client's `connect`. */
  readonly request: ConnectRequest | undefined;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Ends the connection; idempotent. */
  close(description?: string): void;
}
