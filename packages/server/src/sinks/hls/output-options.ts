import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import type { FaultLog, SegmentDisk } from '../disk/index.ts';
import type { ItemRegistry } from './items.ts';
import type { HlsLimits } from './limits.ts';
import type { SegmentNumber } from './numbers.ts';
import type { HlsPaths } from './paths.ts';
import type { SegmentMemory } from './segment-memory.ts';

/** What a master playlist needs to know of a track. */
export interface HlsTrackInfo {
  /** As in RFC 6381; undefined while it isn't known. */
  readonly codec: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** A segment as a publication hands it over. */
export interface FinishedSegment {
  /** The TS; the output's from now on. */
  readonly bytes: Uint8Array;
  readonly durationMs: number;
  /** The wall clock when its first frame came, ms since the epoch: what its name goes by. */
  readonly startedAt: number;
  /** The wall clock at its first frame by the stream's own timeline, ms since the epoch. */
  readonly programDateTime: number;
  readonly discontinuity: boolean;
  readonly independent: boolean;
  /** The tracks that this publication has had frames of. */
  readonly tracks: { readonly video: HlsTrackInfo | undefined; readonly audio: HlsTrackInfo | undefined };
}

/** A segment is ready for players. */
export interface HlsSegmentEvent {
  readonly stream: StreamId;
  /** Absolute path; with storage `ram`, of the file that it would be. */
  readonly file: string;
  /** Percent-encoded: under `hls_entry_prefix`, else relative to `hls_path`. */
  readonly url: string;
  /** As the playlist names it: percent-encoded, relative to the playlist or under `hls_entry_prefix`. */
  readonly uri: string;
  readonly durationMs: number;
  readonly sequence: number;
  /** Absolute path of the playlist that names it. */
  readonly playlist: string;
  /** Percent-encoded, relative to `hls_path`. */
  readonly playlistUrl: string;
  /** From the cut until segment and playlist had their names on disk, ms. */
  readonly readyMs: number;
}

/** What the numbers of a stream's next segment go on from. */
export interface NumbersLeft {
  readonly next: SegmentNumber;
  readonly discontinuitySequence: number;
}

/** What an {@link HlsOutput} needs. */
export interface HlsOutputOptions {
  readonly id: StreamId;
  readonly config: VhostConfig['hls'];
  readonly paths: HlsPaths;
  readonly disk: SegmentDisk;
  readonly log: FaultLog;
  readonly registry: ItemRegistry;
  readonly limits: HlsLimits;
  readonly memory: SegmentMemory;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Where the numbers go on, when this stream was known before. */
  readonly goOnFrom?: NumbersLeft | undefined;
  /** Nothing is written before this is settled. */
  readonly after?: Promise<void> | undefined;
  /** Another output still looks after what it has written of the stream, which lies on disk. */
  readonly takesOver: boolean;
  readonly onSegment: (event: HlsSegmentEvent) => void;
}
