/** Bounds on what a peer makes a {@link ChunkReader} hold. */
export interface ChunkLimits {
  /** Longest message body, in bytes, 0..16777215. Default 10 MiB. */
  readonly maxMessageBytes: number;
  /** Chunk streams that a peer may use on one connection. Default 128. */
  readonly maxChunkStreams: number;
  /** Memory of all unfinished messages of one connection, in bytes. Default 16 MiB. */
  readonly maxPendingBytes: number;
}

/** The limits used for every field that the owner leaves out. */
export const defaultChunkLimits: ChunkLimits = {
  maxMessageBytes: 10 * 1024 * 1024,
  maxChunkStreams: 128,
  maxPendingBytes: 16 * 1024 * 1024,
};

/** The limits with the defaults filled in; the same object where nothing is missing, so that sessions share it. */
export function wholeChunkLimits(limits: Partial<ChunkLimits> = defaultChunkLimits): ChunkLimits {
  return isWhole(limits) ? limits : { ...defaultChunkLimits, ...limits };
}

function isWhole(limits: Partial<ChunkLimits>): limits is ChunkLimits {
  return (
    limits.maxMessageBytes !== undefined &&
    limits.maxChunkStreams !== undefined &&
    limits.maxPendingBytes !== undefined
  );
}
