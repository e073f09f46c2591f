import type { TlsOptions } from 'node:tls';
import type { AmfValue } from '@sluice/media/amf';
import type { RtmpLimits } from '../session/index.ts';

/**
 * Why a connection of an {@link RtmpServer} ended:
 *
 * - `closed-by-peer`: the client closed it.
 * - `refused`: a handler refused the client's `connect`, `publish` or `play`.
 * - `closed-by-server`: the program called `connection.close()`.
 * - `server-closed`: the program called `server.close()`.
 * - `handshake-timeout`: the client sent no `connect` within `handshakeTimeoutMs`.
 * - `idle-timeout`: the client neither published nor played for `idleTimeoutMs`.
 * - `publish-timeout`: the publisher sent no media for `publishTimeoutMs`.
 * - `play-stalled`: the player received nothing for `stallTimeoutMs` although data was waiting for it.
 * - `protocol-error`: the client broke the protocol or exceeded a limit; `error` is an `RtmpError`.
 * - `socket-error`: the connection was lost, or its TLS handshake failed; `error` is the system's.
 * - `handler-failed`: a handler threw something other than an {@link RtmpRefusal}; `error` is what it threw.
 */
export type RtmpCloseReason =
  | 'closed-by-peer'
  | 'refused'
  | 'closed-by-server'
  | 'server-closed'
  | 'handshake-timeout'
  | 'idle-timeout'
  | 'publish-timeout'
  | 'play-stalled'
  | 'protocol-error'
  | 'socket-error'
  | 'handler-failed';

/** How a connection ended. */
export interface RtmpCloseInfo {
  readonly reason: RtmpCloseReason;
  /** The error that ended it, if one did. */
  readonly error: Error | undefined;
}

/** Options of an {@link RtmpRefusal}. */
export interface RtmpRefusalOptions {
  /**
   * The status code for the client. Default: `NetConnection.Connect.Rejected`, `NetStream.Publish.BadName` or
   * `NetStream.Play.Failed`.
   */
  readonly code?: string;
  /** For `onConnect`: the `tcUrl` that the client shall connect to instead (status 302). */
  readonly redirect?: string;
}

/** Throw this in `onConnect`, `onPublish` or `onPlay` to refuse the client. The message is sent to it. */
export class RtmpRefusal extends Error {
  readonly code: string | undefined;
  readonly redirect: string | undefined;

  /** @param reason text for the client */
  constructor(reason: string, options: RtmpRefusalOptions = {}) {
    super(reason);
    this.name = 'RtmpRefusal';
    this.code = options.code;
    this.redirect = options.redirect;
  }
}

/** Limits and other settings of an {@link RtmpServer}; all have defaults. */
export interface RtmpServerConfiguration {
  /** Connections at a time; more are closed as they come. Default 1000. */
  readonly maxConnections?: number;
  /** Connections at a time of one address; more are closed as they come. Default 100. */
  readonly maxConnectionsPerAddress?: number;
  /** ms from the TCP connection to the `connect` command, TLS included. Default 10000. */
  readonly handshakeTimeoutMs?: number;
  /** ms that a client may stay connected without publishing or playing. Default 30000. */
  readonly idleTimeoutMs?: number;
  /** ms that a publisher may send no media. Default 30000. */
  readonly publishTimeoutMs?: number;
  /** ms that a player may take nothing of what waits for it. Default 60000. */
  readonly stallTimeoutMs?: number;
  /** Bytes that may wait for one player; beyond that it misses frames up to a keyframe. Default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes of payload in the chunks that are sent, 128..65536. Default 60000. */
  readonly chunkSize?: number;
  /** What the server tells each client about itself: fields of `data` in the answer to `connect`. Default: none. */
  readonly connectData?: Readonly<Record<string, AmfValue>>;
  /** Limits of the protocol, such as `maxMessageBytes`. Default: `defaultRtmpLimits`. */
  readonly limits?: Partial<RtmpLimits>;
}

/** Where an {@link RtmpServer} listens. */
export interface RtmpListenOptions {
  /** Default: all addresses. */
  readonly host?: string;
  /** Default 1935, with `tls` 443. 0: a free port, chosen by the system. */
  readonly port?: number;
  /** Makes it RTMPS: what `tls.createServer` takes, at least `key` and `cert`. */
  readonly tls?: TlsOptions;
}

/** The settings of a server with the defaults filled in. */
export type RtmpServerSettings = Required<RtmpServerConfiguration>;

/** Fills in the defaults. */
export function rtmpServerSettings(options: RtmpServerConfiguration): RtmpServerSettings {
  return {
    maxConnections: options.maxConnections ?? 1000,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 100,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
    publishTimeoutMs: options.publishTimeoutMs ?? 30_000,
    stallTimeoutMs: options.stallTimeoutMs ?? 60_000,
    maxQueuedBytes: options.maxQueuedBytes ?? 4 * 1024 * 1024,
    chunkSize: options.chunkSize ?? 60_000,
    connectData: options.connectData ?? {},
    limits: options.limits ?? {},
  };
}
