import type { VhostConfig } from '../config/index.ts';
import type { EndReason, SessionType } from '../stats/index.ts';

/** Why a client ends. */
export interface ClientEnd {
  readonly reason: EndReason;
  /** For the log and the API: what exactly went wrong, where there is more to say than the reason's own words. */
  readonly detail?: string | undefined;
  /** What the peer may be told. Names none of our own servers. */
  readonly publicText: string;
  /** The live stream ended the player, and has written the end mark of its form. */
  readonly isStreamEnd: boolean;
}

/** A failure that a protocol knows by the error thrown. */
export interface ClientFailure {
  readonly reason: EndReason;
  readonly detail?: string | undefined;
}

/** The protocol's part of a client: its connection, and what is said on it. */
export interface ClientTransport {
  /** Bytes received from the peer so far. */
  readonly bytesIn: number;
  /** Bytes sent to the peer so far. */
  readonly bytesOut: number;
  /**
   * Ends the connection, in the protocol's own way; a peer that waits for an answer is refused first. Called at most
   * once, after the client has left its stream. {@link Client.closed} has to follow, in this call or later.
   */
  close(end: ClientEnd): void;
  /** Somebody outside the process is asked about the client; time limits of the dialogue pause. */
  onWaiting?(): void;
  /**
   * Applies another configuration of the client's vhost.
   *
   * @returns why the client can't go on with it; undefined when it can
   */
  configure?(vhost: VhostConfig): ClientFailure | undefined;
  /** Reads an error that was thrown in the protocol's code; undefined stands for a fault of the server. */
  failureOf?(error: unknown): ClientFailure | undefined;
}

/** What is known of a peer besides its address. What is left out stays as it was. */
export interface PeerDetails {
  /** The URL up to the app, as the peer gave it. */
  readonly tcUrl?: string | undefined;
  /** The page that the player sits in; empty when the peer names none. */
  readonly pageUrl?: string | undefined;
  readonly swfUrl?: string | undefined;
}

/** Where a client wants to go. */
export interface ClientTarget {
  /** Host name without port, or the name of a vhost. */
  readonly host: string;
  readonly app: string;
  /** The stream's name. At `connect`, what the peer says of it, or empty. */
  readonly stream: string;
  /** The query of the URL with its `?`, or empty: has the token, and is the `param` of callbacks. */
  readonly param: string;
}

/** Which stream a client wants to play or publish, and as what. */
export interface StreamTarget extends ClientTarget {
  readonly type: SessionType;
}
