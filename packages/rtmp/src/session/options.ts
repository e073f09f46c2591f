import type { AmfValue } from '@sluice/media/amf';
import { RtmpError } from '../errors.ts';
import type { RtmpLimits } from './limits.ts';
import type { ServerSessionHandler } from './events.ts';

/** Options of a {@link ServerSession}. */
export interface ServerSessionOptions {
  readonly handler: ServerSessionHandler;
  /** Takes bytes for the client, in order, synchronously; they are never changed afterwards. */
  readonly send: (bytes: Uint8Array) => void;
  /** Bytes given to `send` that the client has not taken yet, such as a socket's `writableLength`. Default: 0. */
  readonly unsent?: (() => number) | undefined;
  /** Default: {@link defaultRtmpLimits}. */
  readonly limits?: Partial<RtmpLimits>;
  /**
   * Hands audio and video to `onMedia` without a copy where it can: the payload is good only until `onMedia`
   * returns. For owners that copy what they keep. Default false.
   */
  readonly lendsMedia?: boolean;
  /**
   * Bytes of payload in each chunk sent once the client has said what it wants (Adobe RTMP 1.0, 5.4.1),
   * 128..65536. Default 60000. `acceptConnect()` can change it for the client's vhost.
   */
  readonly chunkSize?: number;
}

/** Options of `ServerSession.acceptConnect()`. */
export interface AcceptConnectOptions {
  /** Chunk size for this client instead of the session's. */
  readonly chunkSize?: number;
  /** What the server tells about itself: fields of the answer's `data`, behind `version`. Default: none. */
  readonly data?: Readonly<Record<string, AmfValue>>;
}

/** Options of `ServerSession.rejectConnect()`. */
export interface RejectConnectOptions {
  /** Default `NetConnection.Connect.Rejected`. */
  readonly code?: string;
  /** Text for people. */
  readonly description: string;
  /**
   * Sends the client elsewhere, with code 302. `url` is the tcUrl to connect to instead; `streamUrl` the whole
   * URL with the stream's name, where it is known.
   */
  readonly redirect?: { readonly url: string; readonly streamUrl?: string };
}

/** Why a session is closed, for a client whose request waits for its answer. */
export interface CloseRefusal {
  /** Text for people. */
  readonly description: string;
  /** The codes of `connect`, `publish` and `play`, where they aren't those of `rejectConnect()` and its like. */
  readonly codes?: { readonly connect?: string; readonly publish?: string; readonly play?: string };
}

/** Options of `ServerSession.rejectPublish()` and `rejectPlay()`. */
export interface RejectStreamOptions {
  /** For instance `NetStream.Publish.BadName`. */
  readonly code?: string;
  /** Text for people. */
  readonly description: string;
}

/** Options of `ServerSession.acceptPlay()`. */
export interface AcceptPlayOptions {
  /** `details` of the Play.Start notice. Default `stream`. */
  readonly details?: string;
}

/**
 * The range of chunk sizes that a server may announce: what all known clients accept.
 *
 * @throws RtmpError `chunk-size`
 */
export function checkServerChunkSize(chunkSize: number): number {
  if (!Number.isInteger(chunkSize) || chunkSize < 128 || chunkSize > 65_536) {
    throw new RtmpError('chunk-size', `a server's chunk size must be 128..65536, got ${chunkSize}`);
  }
  return chunkSize;
}
