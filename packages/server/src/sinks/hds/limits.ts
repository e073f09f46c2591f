/** What HDS may hold of one stream. */
export interface HdsLimits {
  /** A fragment is cut at this many bytes, whatever its length. */
  readonly maxFragmentBytes: number;
  /** Most bytes that wait for the disk; a fragment beyond is dropped. */
  readonly maxPendingBytes: number;
  /** Fragments of one stream that may wait for the disk. Default 4,096. */
  readonly maxPendingFragments: number;
}

export const DEFAULT_HDS_LIMITS: HdsLimits = {
  maxFragmentBytes: 64 * 1024 * 1024,
  maxPendingBytes: 64 * 1024 * 1024,
  maxPendingFragments: 4096,
};
