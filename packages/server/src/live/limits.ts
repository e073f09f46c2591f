/**
 * Limits of what a live stream holds in memory. A publisher chooses how small its frames are, so each of them counts in
 * frames and in bytes, and a frame counts with what it costs the engine besides its body.
 */

/** What a frame object, its view and its place in a list cost besides the body, bytes. */
export const FRAME_COST_BYTES = 256;
/**
 * A track that is so far behind the others, ms of stream time, counts as one that has stopped: players are told of it again
 * when it comes back.
 */
export const STOPPED_TRACK_MS = 20_000;
/**
 * Frames of one track after which the other one, announced but without a frame, is taken for one that never comes: as many
 * as SRS waits for a picture.
 */
export const FRAMES_WITHOUT_TRACK = 115;
/** The most tracks of each kind that a stream may have. */
export const MAX_TRACKS_PER_KIND = 16;
/** The most frames of a GOP cache, whatever `gop_cache_max_frames` says: all of them are encoded when a player joins. */
export const MAX_GOP_FRAMES = 20_000;
/** The most frames of audio that `fast_cache` keeps: a minute of AAC at 48 kHz has 2,813. */
export const MAX_AUDIO_CACHE_FRAMES = 4096;
/** The most bytes of audio that `fast_cache` keeps: 60 s of 320 kbit/s and more. */
export const MAX_AUDIO_CACHE_BYTES = 4 * 1024 * 1024;
/** The most frames that wait for the other track (`mix_correct`). */
export const MAX_MIXED_FRAMES = 512;
/** The most bytes that wait for the other track; one frame always may. */
export const MAX_MIXED_BYTES = 16 * 1024 * 1024;
/** Frames that wait for a flush; with so many the flush comes before its time. */
export const MAX_PENDING_FRAMES = 1024;
/** Bytes that wait for a flush; with so many the flush comes before its time. */
export const MAX_PENDING_BYTES = 4 * 1024 * 1024;
/** The most frames that are kept for players that wait for the end of the publisher's read. */
export const MAX_FRAMES_SINCE_READ = 4096;

/**
 * The most values in one data message of a publisher. The keyframe index of a two-hour file has 7,200; 16,384 are read
 * and written in some 15 ms.
 */
export const MAX_DATA_VALUES = 16_384;

/** The most bytes of one data message: the metadata is sent to each player that joins. */
export const MAX_DATA_BYTES = 1024 * 1024;

/** `gop_cache_max_frames` as it acts: 0 stands for {@link MAX_GOP_FRAMES}, which nothing goes beyond. */
export function gopFrameLimit(configured: number): number {
  return configured === 0 ? MAX_GOP_FRAMES : Math.min(configured, MAX_GOP_FRAMES);
}
