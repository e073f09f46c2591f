import type { AmfObject, AmfValue } from '@sluice/media/amf';
import type { MediaKind } from './media-kind.ts';
import type { StreamUrl, TcUrl } from './tc-url.ts';

/** What kind of publisher it is, by the order of its commands. */
export type PublishFlavour = 'fmle-publish' | 'flash-publish' | 'haivision-publish';

/** A client's `connect`, to be answered with `acceptConnect()` or `rejectConnect()`. */
export interface ConnectRequest {
  /** Transaction id as sent; 1 by the book. */
  readonly transactionId: number;
  /** The URL as sent. */
  readonly tcUrl: string;
  /** The URL, taken apart. */
  readonly url: TcUrl;
  /** Page the player sits in, for the refer check; empty when not sent. */
  readonly pageUrl: string;
  /** URL of the Flash program; empty when not sent. */
  readonly swfUrl: string;
  /** The client's name for itself, such as `FMLE/3.0`; empty when not sent. */
  readonly flashVer: string;
  /** 0 for AMF0, 3 for AMF3. */
  readonly objectEncoding: number;
  /** The whole command object. */
  readonly command: AmfObject;
  /**
   * The optional argument after the command object; `undefined` unless it is an object (Adobe RTMP 1.0, 7.2.1.1).
   */
  readonly args: AmfObject | undefined;
}

/** A client's `publish`, to be answered with `acceptPublish()` or `rejectPublish()`. */
export interface PublishRequest {
  readonly flavour: PublishFlavour;
  /** What is published where: `tcUrl` and stream name together. */
  readonly url: StreamUrl;
  /** The stream name as sent, query included. */
  readonly streamName: string;
  /** `live`, `record` or `append`; `live` when not sent. */
  readonly mode: string;
}

/** A client's `play`, to be answered with `acceptPlay()` or `rejectPlay()`. */
export interface PlayRequest {
  readonly flavour: 'rtmp-play';
  /** What is played: `tcUrl` and stream name together. */
  readonly url: StreamUrl;
  /** The stream name as sent, query included. */
  readonly streamName: string;
  /**
   * ms to start from; negative for live (-1, -2, and what players send for these, -1000 and -2000). Default -2
   * (Adobe RTMP 1.0, 7.2.2.1).
   */
  readonly start: number;
  /** ms of stream to play; negative means until its end. Default -1 (Adobe RTMP 1.0, 7.2.2.1). */
  readonly duration: number;
  /** Whether an earlier play is ended first. Default true. */
  readonly reset: boolean;
}

/**
 * Why a publish ended while the connection goes on. `command` is a Flash publisher's command that ends it,
 * among them a new `publish` or `play`; `publish(false)` is how Flash stops.
 */
export type UnpublishCause = 'FCUnpublish' | 'deleteStream' | 'closeStream' | 'publish(false)' | 'command';

/** Why a play ended while the connection goes on. `command` is a new `play` or `publish`. */
export type StopCause = 'deleteStream' | 'closeStream' | 'command';

/**
 * What a {@link ServerSession} tells its owner. All calls come synchronously out of `write()`, or out of the
 * accept… call that lets held-back messages go on; what they throw comes out of the same call.
 */
export interface ServerSessionHandler {
  /** The handshake is done. */
  onHandshaken?(): void;
  onConnect(request: ConnectRequest): void;
  onPublish(request: PublishRequest): void;
  /**
   * The publish ended. After `FCUnpublish` the client waits for `finishUnpublish()`; after the other causes
   * nothing more is due.
   */
  onUnpublish(cause: UnpublishCause): void;
  onPlay(request: PlayRequest): void;
  /** The play ended: nothing more may be sent to the client but what a new play or publish brings. */
  onStop(cause: StopCause): void;
  /**
   * The player pauses or continues; the session sends the notices (Adobe RTMP 1.0, 7.2.2.8) itself, after this
   * call for a pause and before it for going on. `timeMs` is the player's position.
   */
  onPause(paused: boolean, timeMs: number): void;
  onReceiveAudio(on: boolean): void;
  onReceiveVideo(on: boolean): void;
  /**
   * A media message of an accepted publish. `payload` is never empty, is never changed afterwards and may be kept
   * (unless the session's option `lendsMedia` is on): an (Enhanced) FLV tag body for `audio` and `video`, AMF0
   * values for `data` (with `@setDataFrame`, without the leading zero byte of AMF3 data). Aggregate messages are
   * delivered as their parts. `timestamp` is in ms and keeps growing where the 31 bits of the wire wrap.
   */
  onMedia(kind: MediaKind, timestamp: number, payload: Uint8Array): void;
  /**
   * A call that the session doesn't know. When it returns true the owner answers (or not) by itself; else
   * the session answers `_result(transactionId, null, null)` if the id is above 0 (Adobe RTMP 1.0, 7.2.1.2).
   */
  onCall?(name: string, transactionId: number, args: readonly AmfValue[]): boolean;
}

/**
 * Where a session stands. In the `…-requested` phases and in `unpublishing` the owner's decision is awaited and
 * the client's messages are held back.
 */
export type ServerSessionPhase =
  | 'handshake'
  | 'awaiting-connect'
  | 'connect-requested'
  | 'idle'
  | 'publish-requested'
  | 'publishing'
  | 'unpublishing'
  | 'play-requested'
  | 'playing'
  | 'closed';
