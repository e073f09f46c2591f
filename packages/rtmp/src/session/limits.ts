import type { AmfLimits } from '@sluice/media/amf';
import type { ChunkLimits } from '../chunk/index.ts';
import { defaultChunkLimits } from '../chunk/index.ts';
import { MAX_AGGREGATE_PARTS } from '../message/index.ts';

/** Bounds on everything a peer controls in one RTMP session. */
export interface RtmpLimits extends ChunkLimits {
  /** Longest body of a command, shared object or user control message, in bytes. Default 65536. */
  readonly maxCommandBytes: number;
  /** Longest `tcUrl` of `connect`, in UTF-16 units. Default 8192. */
  readonly maxTcUrlBytes: number;
  /** Longest stream name of `play` or `publish`, query included, in UTF-16 units. Default 8192. */
  readonly maxStreamNameBytes: number;
  /** Messages held back while the owner decides on connect, publish or play. Default 1024. */
  readonly maxHeldMessages: number;
  /** Bytes of the messages held back while the owner decides. Default 4 MiB. */
  readonly maxHeldBytes: number;
  /** Messages in one aggregate. Default {@link MAX_AGGREGATE_PARTS}. */
  readonly maxAggregateParts: number;
  /**
   * Pings are not answered, and nothing is acknowledged, while more bytes than this wait for the peer to take them. Default
   * 64 KiB.
   */
  readonly maxUnsentPongBytes: number;
  /** Bytes of answers to commands that may wait for the peer to take them; more end the session. Default 256 KiB. */
  readonly maxUnsentReplyBytes: number;
  /** Bounds of the AMF values in commands; the defaults of `@sluice/media/amf` where left out. */
  readonly amf: Partial<AmfLimits>;
}

/** The limits used for every field that the owner leaves out. */
export const defaultRtmpLimits: RtmpLimits = {
  ...defaultChunkLimits,
  maxCommandBytes: 65_536,
  maxTcUrlBytes: 8192,
  maxStreamNameBytes: 8192,
  maxHeldMessages: 1024,
  maxHeldBytes: 4 * 1024 * 1024,
  maxAggregateParts: MAX_AGGREGATE_PARTS,
  maxUnsentPongBytes: 64 * 1024,
  maxUnsentReplyBytes: 256 * 1024,
  amf: {},
};

/** The limits with the defaults filled in; the defaults themselves where none are given, so that sessions share them. */
export function wholeRtmpLimits(limits: Partial<RtmpLimits> | undefined): RtmpLimits {
  return limits === undefined ? defaultRtmpLimits : { ...defaultRtmpLimits, ...limits };
}
