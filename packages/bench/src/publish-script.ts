import { readFileSync } from 'node:fs';
import {
  FlvReader,
  type FlvTag,
  FlvTagType,
  parseAudioTagHeader,
  parseVideoTagHeader,
} from '@sluice/media/flv';
import {
  ChunkStreamId,
  DEFAULT_CHUNK_SIZE,
  DELTA_HEADER_BYTES,
  encodeDeltaMessage,
  encodeFullMessage,
  MessageType,
} from './chunk-encoder.ts';
import { BenchError } from './errors.ts';
import { STAMP_OFFSET_IN_BODY, withStampSpace } from './stamp.ts';

/** Frame time assumed for a track that has a single message, ms. */
const LONE_MESSAGE_MS = 40;
const MAX_DELTA_MS = 0xfffffe;
/** `@setDataFrame` as an AMF0 string: what encoders put before onMetaData. */
const SET_DATA_FRAME = Uint8Array.from([2, 0, 13, ...Buffer.from('@setDataFrame', 'latin1')]);

/**
 * An FLV file as RTMP bytes that any number of publishers send, again and again: after a preamble of its own
 * each publisher sends the shared messages in turn, each at its due time, and begins again after
 * {@link durationMs} with timestamps that go on. All messages carry deltas, so the same bytes serve every
 * publisher and every round.
 */
export interface PublishScript {
  /** Length of one round, ms. */
  readonly durationMs: number;
  /** What the messages are cut into, bytes; the server must be told. */
  readonly chunkSize: number;
  /** Message payload bytes of one round. */
  readonly payloadBytes: number;
  /** When each message is due, ms after the round's begin, in order. */
  readonly dueMs: Float64Array;
  /** Each message in chunks; shared, never to be changed. */
  readonly messages: readonly Uint8Array[];
  /** Payload bytes of each message. */
  readonly messageBytes: Uint32Array;
  /** Where the stamp of each message begins in its bytes, or -1: see `stamp.ts`. */
  readonly stampOffsets: Int32Array;
  /** Metadata and sequence headers, with type-0 headers on the given message stream. */
  preamble(streamId: number): Uint8Array;
}

/** How to build a script. */
export interface PublishScriptOptions {
  /** Make room for a time stamp in every H.264 frame. Default false. */
  readonly stamped?: boolean;
  /** 128 to 65,536 bytes. Default: that of ffmpeg, 60,000. */
  readonly chunkSize?: number;
}

interface Track {
  readonly chunkStreamId: ChunkStreamId;
  readonly type: MessageType;
  readonly tags: FlvTag[];
  sequenceHeader: Uint8Array | undefined;
}

/**
 * Reads an FLV file and makes its script.
 * @throws BenchError `bad-file`
 */
export function loadPublishScript(file: string, options: PublishScriptOptions = {}): PublishScript {
  try {
    const reader = new FlvReader();
    return buildPublishScript(reader.write(readFileSync(file)), options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError('bad-file', `cannot publish from ${file}: ${reason}`, { cause });
  }
}

/**
 * Makes the script of the tags of an FLV file.
 * @throws BenchError `bad-file` when there is no audio and no video, or a gap that has no delta
 */
export function buildPublishScript(
  tags: readonly FlvTag[],
  options: PublishScriptOptions = {},
): PublishScript {
  const video: Track = newTrack(ChunkStreamId.video, MessageType.video);
  const audio: Track = newTrack(ChunkStreamId.audio, MessageType.audio);
  let metadata: Uint8Array | undefined;
  for (const tag of tags) {
    if (tag.type === FlvTagType.script) metadata ??= tag.body;
    else if (tag.body.length === 0) continue;
    else if (isSequenceHeader(tag)) trackOf(tag, audio, video).sequenceHeader ??= tag.body;
    else trackOf(tag, audio, video).tags.push(tag);
  }
  const tracks = [video, audio].filter((track) => track.tags.length > 0);
  if (tracks.length === 0) throw new BenchError('bad-file', 'it has no audio and no video');

  const first = Math.min(...tracks.map((track) => track.tags[0]?.timestamp ?? Infinity));
  const durationMs = Math.max(...tracks.map((track) => trackEnd(track) - first));
  const { stamped = false, chunkSize = DEFAULT_CHUNK_SIZE } = options;
  const entries = tracks.flatMap((track) => trackEntries(track, first, durationMs, stamped, chunkSize));
  entries.sort((one, other) => one.dueMs - other.dueMs);
  return {
    durationMs,
    chunkSize,
    payloadBytes: entries.reduce((sum, entry) => sum + entry.payloadBytes, 0),
    dueMs: Float64Array.from(entries, (entry) => entry.dueMs),
    messages: entries.map((entry) => entry.bytes),
    messageBytes: Uint32Array.from(entries, (entry) => entry.payloadBytes),
    stampOffsets: Int32Array.from(entries, (entry) => entry.stampOffset),
    preamble: (streamId) => preamble(streamId, tracks, metadata, first, durationMs, chunkSize),
  };
}

interface Entry {
  readonly dueMs: number;
  readonly bytes: Uint8Array;
  readonly payloadBytes: number;
  readonly stampOffset: number;
}

function newTrack(chunkStreamId: ChunkStreamId, type: MessageType): Track {
  return { chunkStreamId, type, tags: [], sequenceHeader: undefined };
}

function trackOf(tag: FlvTag, audio: Track, video: Track): Track {
  return tag.type === FlvTagType.audio ? audio : video;
}

function isSequenceHeader(tag: FlvTag): boolean {
  const header =
    tag.type === FlvTagType.audio ? parseAudioTagHeader(tag.body) : parseVideoTagHeader(tag.body);
  return header?.packetType === 'sequence-header';
}

function firstTimestamp(track: Track): number {
  return track.tags[0]?.timestamp ?? 0;
}

function lastTimestamp(track: Track): number {
  return track.tags.at(-1)?.timestamp ?? 0;
}

/** The timestamp at which the track's next message would come. */
function trackEnd(track: Track): number {
  const gaps = track.tags.length - 1;
  const span = lastTimestamp(track) - firstTimestamp(track);
  return lastTimestamp(track) + (gaps === 0 ? LONE_MESSAGE_MS : Math.max(1, Math.round(span / gaps)));
}

/** The delta of the round's first message: from the last one of the round before. */
function seamDelta(track: Track, durationMs: number): number {
  return durationMs - lastTimestamp(track) + firstTimestamp(track);
}

function trackEntries(
  track: Track,
  first: number,
  durationMs: number,
  stamped: boolean,
  chunkSize: number,
): Entry[] {
  let previous = firstTimestamp(track) - seamDelta(track, durationMs);
  return track.tags.map((tag) => {
    const delta = tag.timestamp - previous;
    if (delta < 0 || delta > MAX_DELTA_MS) {
      throw new BenchError('bad-file', `its timestamps jump by ${delta} ms at ${tag.timestamp} ms`);
    }
    previous = tag.timestamp;
    const body = stamped && tag.type === FlvTagType.video ? withStampSpace(tag.body) : undefined;
    const bytes = encodeDeltaMessage(track.chunkStreamId, track.type, delta, body ?? tag.body, chunkSize);
    return {
      dueMs: tag.timestamp - first,
      bytes,
      payloadBytes: (body ?? tag.body).length,
      stampOffset: body === undefined ? -1 : DELTA_HEADER_BYTES + STAMP_OFFSET_IN_BODY,
    };
  });
}

/**
 * Each track's type-0 message stands one seam before its first shared message, so that the delta of the
 * round's first message is right in the first round too. A track without a sequence header starts with its
 * last message, which comes before the first one in every other round as well.
 */
function preamble(
  streamId: number,
  tracks: readonly Track[],
  metadata: Uint8Array | undefined,
  first: number,
  durationMs: number,
  chunkSize: number,
): Uint8Array {
  const base = Math.max(
    ...tracks.map((track) => seamDelta(track, durationMs) - firstTimestamp(track) + first),
  );
  const parts: Uint8Array[] = [];
  if (metadata !== undefined) {
    parts.push(
      encodeFullMessage(
        {
          chunkStreamId: ChunkStreamId.data,
          type: MessageType.data,
          streamId,
          timestamp: 0,
          payload: Buffer.concat([SET_DATA_FRAME, metadata]),
        },
        chunkSize,
      ),
    );
  }
  for (const track of tracks) {
    const payload = track.sequenceHeader ?? track.tags.at(-1)?.body ?? new Uint8Array(0);
    const timestamp = base + firstTimestamp(track) - first - seamDelta(track, durationMs);
    parts.push(
      encodeFullMessage(
        { chunkStreamId: track.chunkStreamId, type: track.type, streamId, timestamp, payload },
        chunkSize,
      ),
    );
  }
  return Buffer.concat(parts);
}
