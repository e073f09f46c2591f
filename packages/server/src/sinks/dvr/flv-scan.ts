import { MediaError } from '@sluice/media';
import { ByteReader, copyBytes } from '@sluice/media/bytes';
import {
  FLV_FILE_HEADER_BYTES,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  type FlvTagHeader,
  FlvTagType,
  parseAudioTagHeader,
  parseFlvHeader,
  parseFlvTagHeader,
  parseVideoTagHeader,
} from '@sluice/media/flv';

import type { DiskFile } from '../disk/index.ts';
import { FLV_START_BYTES, FlvHead, type FlvKinds } from './flv-head.ts';
import type { KeyframeIndex } from './keyframe-index.ts';
import { MAX_METADATA_BYTES } from './limits.ts';

/** Bytes that are read from a file at a time. */
const WINDOW_BYTES = 256 * 1024;
/** Bytes of a body that its header is read from; enough for every form. */
const BODY_HEAD_BYTES = 32;
/** So many tags have to follow each other, backwards from the end, for the end to be trusted. */
const TRUSTED_TAGS = 16;

/** The file is no FLV that can be written on. */
export class NotFlvError extends Error {
  readonly code = 'not-flv';

  constructor(path: string) {
    super(`${path} is no FLV file of version 1`);
    this.name = 'NotFlvError';
  }
}

/** What is in an FLV file that something is to be appended to. */
export interface FlvContents {
  readonly head: FlvHead;
  /** Kinds of tags: those that were seen, and, unless all were looked at, those that the file announces. */
  readonly kinds: FlvKinds;
  readonly index: KeyframeIndex;
  /** Where its last whole tag ends: what follows is rubbish. */
  readonly end: number;
  /** Tags of audio or video that were seen, sequence headers not counted. */
  readonly mediaTags: number;
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
}

/** One tag of a file, without its body. */
interface ScannedTag {
  readonly position: number;
  readonly timestamp: number;
  /** A frame, rather than a header or data. */
  readonly media: boolean;
  readonly type: FlvTagType;
  readonly keyframe: boolean;
}

/**
 * Finds the end of an FLV file, which may be cut anywhere.
 *
 * @param thorough - look at every tag and make the index anew, rather than trust the one that is there
 * @throws NotFlvError, DiskError
 */
export async function readFlvContents(file: DiskFile, thorough: boolean): Promise<FlvContents> {
  const window = new Window(file);
  const announced = flvStart(await window.at(0, FLV_START_BYTES));
  if (announced === undefined) throw new NotFlvError(file.path);
  const known = await readHead(window);
  const first = FLV_START_BYTES + known.head.tagBytes;
  const index = thorough ? known.index.emptied() : known.index;
  const from = thorough ? first : await findAnchor(window, index, first);
  let firstTimestamp: number | undefined;
  let lastTimestamp = 0;
  let mediaTags = 0;
  let { audio, video } = thorough ? { audio: false, video: false } : announced;
  const lastIndexed = index.entries.at(-1)?.position ?? -1;
  const firstTag = from === first ? undefined : await readTag(window, first);
  if (firstTag !== undefined) firstTimestamp = firstTag.timestamp;
  let end = from;
  for (;;) {
    const tag = await readTag(window, end);
    if (tag === undefined) break;
    firstTimestamp ??= tag.timestamp;
    if (tag.timestamp > lastTimestamp) lastTimestamp = tag.timestamp;
    if (tag.media) mediaTags += 1;
    audio ||= tag.type === FlvTagType.audio;
    video ||= tag.type === FlvTagType.video;
    if (tag.keyframe && tag.position > lastIndexed) index.add(tag.timestamp, tag.position);
    end = tag.end;
  }
  const kinds = { audio, video };
  return {
    head: known.head,
    kinds,
    index,
    end,
    mediaTags,
    firstTimestamp: firstTimestamp ?? 0,
    lastTimestamp,
  };
}

async function readHead(window: Window): Promise<{ head: FlvHead; index: KeyframeIndex }> {
  const header = tagHeaderIn(await window.at(FLV_START_BYTES, FLV_TAG_HEADER_BYTES));
  const none = { head: FlvHead.none(), index: FlvHead.read(new Uint8Array(0)).index };
  if (header?.type !== FlvTagType.script || header.size > MAX_METADATA_BYTES) return none;
  if ((await readTag(window, FLV_START_BYTES)) === undefined) return none;
  return FlvHead.read(copyBytes(await window.at(FLV_START_BYTES + FLV_TAG_HEADER_BYTES, header.size)));
}

/** A place from which the tags may be walked to the end: where a tag is known to begin. */
async function findAnchor(window: Window, index: KeyframeIndex, first: number): Promise<number> {
  const last = index.entries.at(-1);
  if (last !== undefined && last.position >= first) {
    const tag = await readTag(window, last.position);
    if (tag?.keyframe === true && tag.timestamp === last.timestamp) return last.position;
  }
  // Backwards by PreviousTagSize: tags that follow each other exactly are no accident.
  let position = window.size;
  for (let count = 0; count < TRUSTED_TAGS; count += 1) {
    if (position === first) return first;
    const size = previousTagSize(
      await window.at(position - FLV_PREVIOUS_TAG_SIZE_BYTES, FLV_PREVIOUS_TAG_SIZE_BYTES),
    );
    if (size === undefined) return first;
    const begin = position - FLV_PREVIOUS_TAG_SIZE_BYTES - size;
    if (begin < first || (await readTag(window, begin))?.end !== position) return first;
    position = begin;
  }
  return position;
}

/** Reads the tag at a position; undefined when no whole tag is there. */
async function readTag(
  window: Window,
  position: number,
): Promise<(ScannedTag & { readonly end: number }) | undefined> {
  const bytes = await window.at(position, FLV_TAG_HEADER_BYTES + BODY_HEAD_BYTES);
  const header = tagHeaderIn(bytes);
  // StreamID is always 0.
  if (header?.streamId !== 0) return undefined;
  const { type, size, timestamp } = header;
  const sizeAt = position + FLV_TAG_HEADER_BYTES + size;
  const end = sizeAt + FLV_PREVIOUS_TAG_SIZE_BYTES;
  if (end > window.size) return undefined;
  const body = bytes.subarray(FLV_TAG_HEADER_BYTES, FLV_TAG_HEADER_BYTES + size);
  const facts = bodyFacts(type, body);
  const previous = previousTagSize(await window.at(sizeAt, FLV_PREVIOUS_TAG_SIZE_BYTES));
  if (previous !== FLV_TAG_HEADER_BYTES + size) return undefined;
  return { position, end, timestamp, type, ...facts };
}

function bodyFacts(type: FlvTagType, body: Uint8Array): { media: boolean; keyframe: boolean } {
  if (type === FlvTagType.script) return { media: false, keyframe: false };
  if (type === FlvTagType.audio) {
    return { media: parseAudioTagHeader(body)?.packetType !== 'sequence-header', keyframe: false };
  }
  const header = parseVideoTagHeader(body);
  const media = header !== undefined && !header.packetType.endsWith('sequence-header');
  return { media, keyframe: media && header.keyframe };
}

/** A piece of a file in memory, so that small reads near each other cost one. */
class Window {
  readonly size: number;
  readonly #file: DiskFile;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(file: DiskFile) {
    this.#file = file;
    this.size = file.size;
  }

  /** The bytes at a position; fewer at the end of the file. Good until the next call. */
  async at(position: number, length: number): Promise<Uint8Array> {
    const within = position - this.#position;
    const wanted = Math.max(0, Math.min(length, this.size - position));
    if (within < 0 || within + wanted > this.#bytes.length) {
      this.#bytes = await this.#file.read(position, Math.max(WINDOW_BYTES, wanted));
      this.#position = position;
      return this.#bytes.subarray(0, wanted);
    }
    return this.#bytes.subarray(within, within + wanted);
  }
}

/** What a file announces whose header has the length that all have; undefined when it is no FLV file. */
function flvStart(start: Uint8Array): FlvKinds | undefined {
  if (start.length < FLV_START_BYTES) return undefined;
  try {
    const { dataOffset, audio, video } = parseFlvHeader(start);
    return dataOffset === FLV_FILE_HEADER_BYTES ? { audio, video } : undefined;
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

/** Undefined where no tag begins. */
function tagHeaderIn(bytes: Uint8Array): FlvTagHeader | undefined {
  if (bytes.length < FLV_TAG_HEADER_BYTES) return undefined;
  try {
    return parseFlvTagHeader(bytes);
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

function previousTagSize(bytes: Uint8Array): number | undefined {
  return bytes.length < FLV_PREVIOUS_TAG_SIZE_BYTES ? undefined : new ByteReader(bytes).u32();
}
