import { decodeBody } from './decoding.ts';

/** How Set Peer Bandwidth is meant: as a bound, as a wish, or whichever the last one was. */
export const peerBandwidthLimit = { hard: 0, soft: 1, dynamic: 2 } as const;

/** Bounds the peer's output (Adobe RTMP 1.0, 5.4.5). */
export interface SetPeerBandwidth {
  /** Bytes that may be on the way without an acknowledgement. */
  readonly windowSize: number;
  /** One of {@link peerBandwidthLimit}; other values are carried too. */
  readonly limitType: number;
}

/**
 * Reads the body of Set Peer Bandwidth. A missing limit type reads as dynamic.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeSetPeerBandwidth(payload: Uint8Array): SetPeerBandwidth {
  return decodeBody('Set Peer Bandwidth', payload, (reader) => ({
    windowSize: reader.u32(),
    limitType: reader.remaining > 0 ? reader.u8() : peerBandwidthLimit.dynamic,
  }));
}

/** Builds the body of Set Peer Bandwidth. */
export function encodeSetPeerBandwidth(message: SetPeerBandwidth): Uint8Array {
  const { windowSize, limitType } = message;
  return Uint8Array.of(windowSize >>> 24, windowSize >>> 16, windowSize >>> 8, windowSize, limitType);
}
