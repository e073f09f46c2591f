/** What a peer may make a {@link TsDemuxer} hold. */
export interface TsDemuxerLimits {
  /** Bytes of one PES packet; a longer one is dropped. */
  readonly pesBytes: number;
  /** Programs that are followed; more are passed over. */
  readonly programs: number;
  /** Elementary streams that are followed, over all programs; more are passed over. */
  readonly streams: number;
  /** Bytes that may be searched for a sync byte before the stream is given up. */
  readonly unsyncedBytes: number;
}

/** The defaults of {@link TsDemuxerLimits}. */
export const TS_DEMUXER_LIMITS: TsDemuxerLimits = {
  pesBytes: 8 * 1024 * 1024,
  programs: 16,
  streams: 32,
  unsyncedBytes: 1024 * 1024,
};
