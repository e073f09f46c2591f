/** What HDS may hold of one stream. */
export interface HdsLimits {
  /** A fragment is cut at this many bytes, whatever its length. */
  readonly maxFragmentBytes: number;
  /** Most bytes that wait for the disk; a fragment beyond is dropped. */
  readonly maxPendingBytes: number;
}

export const DEFAULT_HDS_LIMITS: HdsLimits = {
  maxFragmentBytes: 64 * 1024 * 1024,
  maxPendingBytes: 64 * 1024 * 1024,
};
