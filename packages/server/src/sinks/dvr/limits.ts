/** Bytes of a block that a recording's tags are gathered in before the disk gets them. */
export const BLOCK_BYTES = 128 * 1024;
/** So many bytes go to the disk without waiting for their time. */
export const HAND_OVER_BYTES = 128 * 1024;
/** Samples of an MP4 fragment that is cut before its time, bytes. */
export const MAX_FRAGMENT_BYTES = 1024 * 1024;
/** Samples of an MP4 fragment that is cut before its time: a publisher may send frames of a few bytes. */
export const MAX_FRAGMENT_SAMPLES = 4096;
/** What a sample of a fragment that waits for the disk costs besides its bytes: its place in the tables. */
export const SAMPLE_COST_BYTES = 32;
/**
 * Samples of one track of an MP4 file; with so many the next file begins: 18 hours of 60 pictures a second. The tables
 * of a longer one would be over what players and our own reader take.
 */
export const MAX_FILE_SAMPLES = 4_000_000;
/** What a frame that waits for its file to be opened costs besides its body. */
export const PENDING_FRAME_COST_BYTES = 256;
/** Free blocks kept to be used again, by all recordings together, if not more are in use. */
export const LEAST_FREE_BLOCKS = 32;
/** Most bytes of one recording that wait for the disk; beyond it frames are dropped up to a keyframe. */
export const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Most bytes of all recordings together that wait for the disk. */
export const MAX_WAITING_BYTES_IN_ALL = 256 * 1024 * 1024;

/** What is gathered goes to the disk at the latest after so long, ms: what a `kill -9` may lose. */
export const FLUSH_INTERVAL_MS = 2_000;
/** The flushes of all recordings are spread over so many turns of the one timer. */
export const FLUSH_TURNS = 5;
/** A failed recording is tried again after so long, ms. */
export const RETRY_INTERVAL_MS = 3_000;
/** How long a disk that hangs is waited for when a recording is stopped, or all of them at the server's end, ms. */
export const CLOSE_TIMEOUT_MS = 5_000;
/** How often a recording looks whether its file is still in the directory, ms. */
export const PRESENCE_INTERVAL_MS = 12_000;
/** How often the metadata of an appended file is brought up to date, ms (V004). */
export const REFRESH_INTERVAL_MS = 60_000;

/** A recording that waits for a keyframe begins without one after so long, ms. */
export const START_WITHOUT_KEYFRAME_MS = 10_000;
/** A segment that waits for a keyframe to end at is cut without one when it is so much too long, ms. */
export const LEAST_OVERDUE_MS = 30_000;
/** How long an MP4 waits for its second track before it begins with the one that is there, ms. */
export const SECOND_TRACK_WAIT_MS = 1_000;
/** Video that was silent for so long, ms, is waited for no more when a segment is to be cut. */
export const VIDEO_SILENT_MS = 5_000;

/** Keyframes in the index of a file whose length nobody knows; 18 bytes each, some 36 KB. */
export const MAX_INDEX_ENTRIES = 2_000;
/** Keyframes in the index of the shortest segment; some 2 KB. */
export const LEAST_INDEX_ENTRIES = 113;
/** Longest metadata tag that is read from a file, or taken from a publisher, bytes. */
export const MAX_METADATA_BYTES = 1024 * 1024;
/** Metadata of a publisher that is longer is left out of the file, bytes. */
export const MAX_PUBLISHER_METADATA_BYTES = 64 * 1024;

/** Most numbers that are tried for a file whose name is taken. */
export const MAX_NUMBERED_NAMES = 1_000;
/** A `.tmp` file that changed less than so long ago, ms, may be another process's: it is looked at again. */
export const LEFTOVER_QUIET_MS = 4_000;
/** Least time between two checks of what may be kept, ms. */
export const RETENTION_GAP_MS = 30_000;
/** What may be kept is checked at least so often, ms. */
export const RETENTION_INTERVAL_MS = 3_600_000;

/** Most recordings that may be asked for by the API at a time. */
export const MAX_REQUESTED_RECORDINGS = 1_000;
/** Longest path that the API takes, characters. */
export const MAX_PATH_LENGTH = 1_024;
