import { MediaError } from '@sluice/media';
import { bytesEqual, copyBytes } from '@sluice/media/bytes';
import {
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  type FlvTagHeader,
  FlvTagType,
  parseAudioTagHeader,
  parseFlvTagHeader,
  parseVideoTagHeader,
} from '@sluice/media/flv';
import type { AudioCodec, VideoCodec } from '@sluice/media/model';

import { JumpDetector } from '../timing/index.ts';
import type { SegmentPlan } from './segment-index.ts';

/** A sequence header that is in force from its place on. */
export interface HeaderChange {
  readonly type: typeof FlvTagType.audio | typeof FlvTagType.video;
  /** Byte of its tag in the file. */
  readonly position: number;
  readonly body: Uint8Array;
}

/** Segments in columns; `positions` and `starts` have an entry for each, `durations` for each that is closed. */
export interface SegmentColumns {
  /** Byte of the first tag. */
  readonly positions: number[];
  /** Timestamp of the first frame, ms. */
  readonly starts: number[];
  /** ms */
  readonly durations: number[];
  readonly discontinuities: Set<number>;
  readonly headers: HeaderChange[];
}

/** The longest sequence header that is kept, bytes. */
export const MAX_SEQUENCE_HEADER_BYTES = 64 * 1024;
/** Changes of sequence headers that are kept; later ones are found in their segment only. */
export const MAX_HEADER_CHANGES = 1_000;
/** Assumed between frames while a track has had only one, ms. */
const LONE_FRAME_MS = 40;
/** Bytes of a body that tell all about it (an Enhanced RTMP header with a modifier or two). */
const BODY_HEAD_BYTES = 32;
/** A last frame that seems to last longer is one before a gap, unless the one before lasted as long, ms. */
const MAX_FRAME_MS = 1_000;

class TrackClock {
  last: number | undefined;
  /** The track's first frame in the open segment. */
  first: number | undefined;
  interval = LONE_FRAME_MS;
  #step = LONE_FRAME_MS;

  next(timestamp: number): void {
    if (this.last !== undefined && timestamp > this.last) {
      const step = timestamp - this.last;
      // A gap is no frame that lasts so long: the one behind it is as near as ever.
      this.interval = Math.min(step, Math.max(this.#step, MAX_FRAME_MS));
      this.#step = step;
    }
    this.first ??= timestamp;
    this.last = timestamp;
  }

  /** How much of the track the open segment has when a frame comes, ms. */
  span(timestamp: number): number {
    return timestamp - (this.first ?? timestamp);
  }

  get end(): number {
    return this.last === undefined ? 0 : this.last + this.interval;
  }
}

/**
 * Walks over the tag headers of an FLV file and cuts it into segments. It sees windows of the file and says where
 * the next one shall begin: bodies are never needed, but for sequence headers.
 */
export class FlvScanner {
  readonly columns: SegmentColumns;
  videoCodec: VideoCodec | undefined;
  audioCodec: AudioCodec | undefined;
  readonly #plan: SegmentPlan;
  readonly #fileSize: number;
  readonly #video = new TrackClock();
  readonly #audio = new TrackClock();
  readonly #jumps = new JumpDetector();
  readonly #inForce = new Map<number, Uint8Array>();
  #pictureChanged = false;
  #stopped = false;
  #fault: string | undefined;
  #end = 0;

  /** @param columns continued: the last segment is open, its tags have not been seen */
  constructor(plan: SegmentPlan, fileSize: number, columns: SegmentColumns = emptyColumns()) {
    this.#plan = plan;
    this.#fileSize = fileSize;
    this.columns = columns;
    for (const { type, body } of columns.headers) this.#inForce.set(type, body);
  }

  /** Why the walk ended before the end of the file, if it did. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** True when no further window is of use. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The byte behind the last whole tag that was seen. */
  get end(): number {
    return this.#end;
  }

  /**
   * Walks over a window.
   *
   * @param position byte of the file where the window begins, the beginning of a tag
   * @returns where the next window begins; `position` itself when this one holds no whole header.
   */
  walk(window: Uint8Array, position: number): number {
    let offset = 0;
    const last = window.length - FLV_TAG_HEADER_BYTES;
    while (offset <= last && !this.#stopped) {
      const header = tagHeaderAt(window, offset);
      if (header === undefined) {
        this.#stop(`no FLV tag at byte ${position + offset}`);
        break;
      }
      const { type, size, timestamp } = header;
      const next = offset + FLV_TAG_HEADER_BYTES + size + FLV_PREVIOUS_TAG_SIZE_BYTES;
      // The last PreviousTagSize may be missing; nobody reads it.
      if (position + next - FLV_PREVIOUS_TAG_SIZE_BYTES > this.#fileSize) {
        this.#stop(undefined);
        break;
      }
      if (size > 0 && type !== FlvTagType.script) {
        const wanted = Math.min(size, BODY_HEAD_BYTES);
        if (offset + FLV_TAG_HEADER_BYTES + wanted > window.length) break;
        const body = window.subarray(offset + FLV_TAG_HEADER_BYTES, next - FLV_PREVIOUS_TAG_SIZE_BYTES);
        const seen =
          type === FlvTagType.video
            ? this.#seeVideo(body, size, position + offset, timestamp)
            : this.#seeAudio(body, size, position + offset, timestamp);
        if (!seen) break;
      }
      this.#end = Math.min(this.#fileSize, position + next);
      offset = next;
    }
    return position + offset;
  }

  /** Closes the last segment; the columns are whole then. */
  finish(): void {
    const { starts, durations } = this.columns;
    const start = starts.at(-1);
    if (start !== undefined && durations.length < starts.length) {
      durations.push(Math.max(1, this.#mediaEnd() - start));
    }
  }

  /** False when the window holds too little of the body. */
  #seeVideo(body: Uint8Array, size: number, position: number, timestamp: number): boolean {
    const first = body[0] ?? 0;
    const codecId = first & 0x0f;
    // The common case without an object: a frame of legacy H.264.
    if (first < 0x80 && codecId === 7 && body[1] === 1 && this.videoCodec === 'h264') {
      this.#frame(this.#video, position, timestamp, first >> 4 === 1);
      return true;
    }
    const header = parseVideoTagHeader(body);
    if (header === undefined) return true;
    if (header.packetType === 'sequence-header' || header.packetType === 'mpeg2ts-sequence-header') {
      if (body.length < size && size <= MAX_SEQUENCE_HEADER_BYTES) return false;
      this.videoCodec ??= header.codec;
      this.#header(FlvTagType.video, position, body, size);
    } else if (header.packetType === 'coded-frames' || header.packetType === 'multitrack') {
      this.videoCodec ??= header.codec;
      this.#frame(this.#video, position, timestamp, header.keyframe);
    }
    return true;
  }

  #seeAudio(body: Uint8Array, size: number, position: number, timestamp: number): boolean {
    if (body[0] !== undefined && body[0] >> 4 === 10 && body[1] === 1 && this.audioCodec === 'aac') {
      this.#frame(this.#audio, position, timestamp, false);
      return true;
    }
    const header = parseAudioTagHeader(body);
    if (header === undefined) return true;
    if (header.packetType === 'sequence-header') {
      if (body.length < size && size <= MAX_SEQUENCE_HEADER_BYTES) return false;
      this.audioCodec ??= header.codec;
      this.#header(FlvTagType.audio, position, body, size);
    } else if (header.packetType === 'raw' || header.packetType === 'multitrack') {
      this.audioCodec ??= header.codec;
      this.#frame(this.#audio, position, timestamp, false);
    }
    return true;
  }

  #header(type: HeaderChange['type'], position: number, body: Uint8Array, size: number): void {
    const { headers } = this.columns;
    if (size > MAX_SEQUENCE_HEADER_BYTES || headers.length >= MAX_HEADER_CHANGES) return;
    const held = this.#inForce.get(type);
    if (held !== undefined && bytesEqual(held, body)) return;
    const copy = copyBytes(body);
    headers.push({ type, position, body: copy });
    this.#inForce.set(type, copy);
    if (held !== undefined && type === FlvTagType.video) this.#pictureChanged = true;
  }

  #frame(track: TrackClock, position: number, timestamp: number, keyframe: boolean): void {
    const { positions, starts } = this.columns;
    const jumps = this.#jumps.jumps(track === this.#video, timestamp);
    if (starts.length === 0) {
      this.#open(position, timestamp, false);
    } else if (jumps) {
      this.#cut(position, timestamp, this.#mediaEnd(), true);
      this.#video.last = undefined;
      this.#audio.last = undefined;
    } else {
      // Tracks may be far apart in a file: each is measured by itself.
      const length = track.span(timestamp);
      const atKeyframe = keyframe || (this.videoCodec === undefined && length >= this.#plan.targetMs);
      if (atKeyframe && (length >= this.#plan.targetMs || this.#pictureChanged)) {
        this.#cut(position, timestamp, timestamp, this.#pictureChanged);
      } else if (length >= this.#plan.maxMs || position - (positions.at(-1) ?? 0) >= this.#plan.maxBytes) {
        this.#cut(position, timestamp, timestamp, false);
      }
    }
    track.next(timestamp);
  }

  /** @param end where the open segment ends, ms on its own timeline */
  #cut(position: number, timestamp: number, end: number, discontinuity: boolean): void {
    const { starts, durations } = this.columns;
    const start = starts.at(-1) ?? 0;
    if (starts.length >= this.#plan.maxSegments) {
      this.#stop(`over ${this.#plan.maxSegments} segments`);
      return;
    }
    durations.push(Math.max(1, end - start));
    this.#open(position, timestamp, discontinuity);
  }

  #open(position: number, timestamp: number, discontinuity: boolean): void {
    const { positions, starts, discontinuities } = this.columns;
    if (discontinuity) discontinuities.add(starts.length);
    positions.push(position);
    starts.push(timestamp);
    this.#video.first = undefined;
    this.#audio.first = undefined;
    this.#pictureChanged = false;
  }

  /** When the next frame would come. */
  #mediaEnd(): number {
    return Math.max(this.#video.end, this.#audio.end);
  }

  #stop(fault: string | undefined): void {
    this.#stopped = true;
    this.#fault = fault;
  }
}

/** Columns without a segment. */
export function emptyColumns(): SegmentColumns {
  return { positions: [], starts: [], durations: [], discontinuities: new Set(), headers: [] };
}

/** Undefined when no tag begins there, or an encrypted one. */
function tagHeaderAt(window: Uint8Array, offset: number): FlvTagHeader | undefined {
  try {
    return parseFlvTagHeader(window, offset);
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
