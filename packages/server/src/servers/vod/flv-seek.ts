import {
  FLV_FILE_HEADER_BYTES,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  flvTagSize,
  FlvTagType,
  parseAudioTagHeader,
  parseVideoTagHeader,
} from '@sluice/media/flv';
import type { AudioCodec, VideoCodec } from '@sluice/media/model';

import { FileBytes, MediaFileError } from '../../files/index.ts';
import type { FileAnswer, OpenedFile } from '../http/index.ts';
import { badValue, readPosition } from './query.ts';

/** What a seek may read of a file. */
export interface FlvSeekLimits {
  /** Tags at the head that are looked through for sequence headers. Default 128. */
  readonly maxHeadTags: number;
  /** A sequence header's body, bytes. Default 65,536. */
  readonly maxSequenceHeaderBytes: number;
  /** How far behind `start` a tag is looked for, bytes. Default 8,388,608. */
  readonly maxSearchBytes: number;
}

/** The defaults that {@link FlvSeekLimits} names. */
export const DEFAULT_FLV_SEEK_LIMITS: FlvSeekLimits = {
  maxHeadTags: 128,
  maxSequenceHeaderBytes: 65_536,
  maxSearchBytes: 8_388_608,
};

/** The first bytes of a tag, enough for the headers of enhanced codecs. */
const TAG_PEEK_BYTES = FLV_TAG_HEADER_BYTES + 16;
const SEARCH_READ_BYTES = 262_144;

/** Codecs that nothing can be decoded of without their sequence header. */
const NEEDS_HEADER: ReadonlySet<VideoCodec | AudioCodec> = new Set<VideoCodec | AudioCodec>([
  'h264',
  'hevc',
  'av1',
  'vvc',
  'aac',
]);

interface TagPlace {
  readonly type: number;
  readonly position: number;
  /** Header, body and PreviousTagSize. */
  readonly size: number;
}

/** What the head of a file says. */
interface FlvHead {
  readonly audio: boolean;
  readonly video: boolean;
  readonly firstTag: number;
  /** Whole tags. */
  readonly sequenceHeaders: readonly Uint8Array[];
  /** A track is there that needs a sequence header, and has none. */
  readonly lacksHeader: boolean;
}

/**
 * Seeks into an FLV (H004): with `?start=BYTES`, what is sent is a file header, the sequence headers found at
 * the head, and the file from the first tag at or after that position. Undefined without `start`, and for a
 * position at the very beginning: that is the file itself.
 *
 * Refused, with SRS's number in the text: a position beyond the end (3014), and a file that can't be played
 * from the middle, since it has no sequence header at its head (3013).
 */
export async function seekFlv(
  file: OpenedFile,
  query: URLSearchParams,
  limits: FlvSeekLimits = DEFAULT_FLV_SEEK_LIMITS,
): Promise<FileAnswer | undefined> {
  const text = query.get('start');
  if (text === null || text === '') return undefined;
  const start = readPosition(text);
  if (start === undefined) return badValue('start', 'a position in bytes');
  if (start <= FLV_FILE_HEADER_BYTES + FLV_PREVIOUS_TAG_SIZE_BYTES) return undefined;
  let bytes: FileBytes | undefined;
  try {
    bytes = await FileBytes.open(file.path);
    return await seekOpenFlv(bytes, start, limits);
  } catch (error) {
    if (!(error instanceof MediaFileError)) throw error;
    return error.code === 'io'
      ? { kind: 'refused', status: 503, text: 'the file could not be read' }
      : { kind: 'refused', status: 404, text: 'Not Found' };
  } finally {
    await bytes?.close();
  }
}

async function seekOpenFlv(bytes: FileBytes, start: number, limits: FlvSeekLimits): Promise<FileAnswer> {
  if (start > bytes.size) {
    const text = `error 3014: start is beyond the end of the file, which has ${bytes.size} bytes`;
    return { kind: 'refused', status: 416, text };
  }
  const head = await readHead(bytes, limits);
  if (head === undefined) {
    return { kind: 'refused', status: 422, text: 'error 3013: the file is no FLV' };
  }
  if (head.lacksHeader) {
    const text = 'error 3013: there is no sequence header at the head of the file';
    return { kind: 'refused', status: 422, text };
  }
  const from = await findTag(bytes, Math.max(start, head.firstTag), limits.maxSearchBytes);
  if (from === undefined) {
    const text = `error 3014: no tag begins within ${limits.maxSearchBytes} bytes after start`;
    return { kind: 'refused', status: 416, text };
  }
  return { kind: 'spliced', head: concat([flvHeader(head), ...head.sequenceHeaders]), from };
}

/** Undefined for what is no FLV. Reads headers only, and the bodies of sequence headers. */
async function readHead(bytes: FileBytes, limits: FlvSeekLimits): Promise<FlvHead | undefined> {
  const fileHeader = new Uint8Array(FLV_FILE_HEADER_BYTES);
  const count = await bytes.read(fileHeader, 0);
  // Signature "FLV", Version 1; TypeFlags; DataOffset
  if (count < fileHeader.length || uint32(fileHeader, 0) !== 0x464c5601) return undefined;
  const flags = fileHeader[4] ?? 0;
  const firstTag = uint32(fileHeader, 5) + FLV_PREVIOUS_TAG_SIZE_BYTES;
  const tracks = { audio: new TrackHead(), video: new TrackHead() };
  const peek = new Uint8Array(TAG_PEEK_BYTES);
  let position = firstTag;
  for (let number = 0; number < limits.maxHeadTags; number += 1) {
    const peeked = peek.subarray(0, await bytes.read(peek, position));
    const tag = tagAt(peeked, 0, position);
    if (tag === undefined) break;
    const facts = factsOf(tag.type, peeked.subarray(FLV_TAG_HEADER_BYTES, Math.min(peeked.length, tag.size)));
    if (facts !== undefined) {
      await tracks[facts.track].take(bytes, tag, facts, limits);
    }
    position += tag.size;
    if (tracks.audio.isDone && tracks.video.isDone) break;
  }
  const sequenceHeaders = [tracks.video.header, tracks.audio.header].filter((tag) => tag !== undefined);
  return {
    audio: (flags & 4) !== 0,
    video: (flags & 1) !== 0,
    firstTag,
    sequenceHeaders,
    lacksHeader: tracks.video.lacksHeader || tracks.audio.lacksHeader,
  };
}

interface TagFacts {
  readonly track: 'audio' | 'video';
  readonly codec: VideoCodec | AudioCodec;
  readonly isSequenceHeader: boolean;
}

/** What the head of the file tells of one track. */
class TrackHead {
  header: Uint8Array | undefined;
  lacksHeader = false;
  #seen = false;

  /** Whether nothing more is to be learnt: later sequence headers belong to later media. */
  get isDone(): boolean {
    return this.#seen;
  }

  async take(bytes: FileBytes, tag: TagPlace, facts: TagFacts, limits: FlvSeekLimits): Promise<void> {
    if (this.#seen) return;
    if (facts.isSequenceHeader && tag.size <= flvTagSize(limits.maxSequenceHeaderBytes)) {
      const whole = new Uint8Array(tag.size);
      if ((await bytes.read(whole, tag.position)) === whole.length) this.header = whole;
      return;
    }
    this.#seen = true;
    this.lacksHeader = this.header === undefined && NEEDS_HEADER.has(facts.codec);
  }
}

function factsOf(type: number, body: Uint8Array): TagFacts | undefined {
  if (type === FlvTagType.video) {
    const header = parseVideoTagHeader(body);
    if (header === undefined || header.packetType === 'metadata') return undefined;
    return {
      track: 'video',
      codec: header.codec,
      isSequenceHeader: header.packetType === 'sequence-header',
    };
  }
  const header = type === FlvTagType.audio ? parseAudioTagHeader(body) : undefined;
  if (header === undefined) return undefined;
  return { track: 'audio', codec: header.codec, isSequenceHeader: header.packetType === 'sequence-header' };
}

/**
 * Where the first tag at or after `start` begins; the end of the file when there is none in what is left of
 * it. Undefined beyond the limit. A player asks for a tag by the index of keyframes, so mostly it is at once
 * where it is looked for.
 */
async function findTag(bytes: FileBytes, start: number, maxBytes: number): Promise<number | undefined> {
  const buffer = new Uint8Array(SEARCH_READ_BYTES + FLV_TAG_HEADER_BYTES);
  const end = Math.min(bytes.size, start + maxBytes);
  for (let position = start; position < end; position += SEARCH_READ_BYTES) {
    const window = buffer.subarray(0, await bytes.read(buffer, position));
    const candidates = Math.min(SEARCH_READ_BYTES, end - position);
    for (let offset = 0; offset < candidates; offset += 1) {
      const tag = tagAt(window, offset, position + offset);
      if (tag !== undefined && (await isFollowed(bytes, tag, tag.position !== start))) return tag.position;
    }
  }
  return end === bytes.size ? bytes.size : undefined;
}

/**
 * What looks like a tag is one when its size stands behind it, and another tag, or the end, follows. Not every
 * writer gets PreviousTagSize right, so where the player expects a tag it is not asked for.
 */
async function isFollowed(bytes: FileBytes, tag: TagPlace, strict: boolean): Promise<boolean> {
  const next = new Uint8Array(FLV_PREVIOUS_TAG_SIZE_BYTES + FLV_TAG_HEADER_BYTES);
  const sizeAt = tag.position + tag.size - FLV_PREVIOUS_TAG_SIZE_BYTES;
  const count = await bytes.read(next, sizeAt);
  if (count < FLV_PREVIOUS_TAG_SIZE_BYTES) return false;
  const isSized = uint32(next, 0) === tag.size - FLV_PREVIOUS_TAG_SIZE_BYTES;
  if (strict && !isSized) return false;
  return (
    (isSized && count < next.length) ||
    tagAt(next.subarray(0, count), FLV_PREVIOUS_TAG_SIZE_BYTES, 0) !== undefined
  );
}

/** Reads a tag's header (FLV 10.1 E.4.1); undefined when it is none, or not whole. */
function tagAt(bytes: Uint8Array, offset: number, position: number): TagPlace | undefined {
  const type = bytes[offset];
  if (type !== FlvTagType.video && type !== FlvTagType.audio && type !== FlvTagType.script) return undefined;
  if (offset + FLV_TAG_HEADER_BYTES > bytes.length) return undefined;
  // StreamID, always 0.
  if ((uint32(bytes, offset + 7) & 0xffffff) !== 0) return undefined;
  return { type, position, size: flvTagSize(uint32(bytes, offset) & 0xffffff) };
}

/** The caller has checked that the bytes are there. */
function uint32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
