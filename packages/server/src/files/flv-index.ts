import { MediaError } from '@sluice/media';
import {
  FLV_FILE_HEADER_BYTES,
  FLV_PREVIOUS_TAG_SIZE_BYTES,
  FLV_TAG_HEADER_BYTES,
  flvHeader,
  FlvReader,
  type FlvTag,
  FlvTagType,
  parseFlvHeader,
} from '@sluice/media/flv';
import type { AudioCodec, VideoCodec } from '@sluice/media/model';

import { MediaFileError } from './errors.ts';
import type { FileBytes, FileState } from './file-bytes.ts';
import { segmentsOfKeyframes, TIME_SLACK_MS, timestampAt } from './flv-keyframes.ts';
import { FlvScanner, type SegmentColumns } from './flv-scanner.ts';
import type { SegmentFacts, SegmentIndex, SegmentPlan } from './segment-index.ts';

/** Bytes of one read of a scan: large ones are quick, and a walk over them keeps the event loop for < 1 ms. */
const SCAN_BYTES = 1024 * 1024;
/** Bytes of one read of a segment: what is done with them takes some ms. */
const SEGMENT_READ_BYTES = 256 * 1024;
/** Tracks are looked for in so much of the file's beginning, bytes. */
const HEAD_BYTES = 2 * 1024 * 1024;

interface Parts {
  readonly state: FileState;
  readonly source: 'metadata' | 'scan';
  readonly first: number;
  /** Byte behind the last whole tag. */
  readonly end: number;
  readonly columns: SegmentColumns;
  readonly videoCodec: VideoCodec | undefined;
  readonly audioCodec: AudioCodec | undefined;
}

/** Where an FLV file can be cut. */
export class FlvIndex implements SegmentIndex {
  readonly format = 'flv';
  readonly skipped: readonly string[] = [];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get state(): FileState {
    return this.#parts.state;
  }

  get source(): 'metadata' | 'scan' {
    return this.#parts.source;
  }

  get segmentCount(): number {
    return this.#parts.columns.durations.length;
  }

  get durationMs(): number {
    return this.#parts.columns.durations.reduce((sum, duration) => sum + duration, 0);
  }

  get videoCodec(): VideoCodec | undefined {
    return this.#parts.videoCodec;
  }

  get audioCodec(): AudioCodec | undefined {
    return this.#parts.audioCodec;
  }

  segment(number: number): SegmentFacts | undefined {
    const { starts, durations, discontinuities } = this.#parts.columns;
    const startMs = starts[number];
    const durationMs = durations[number];
    if (startMs === undefined || durationMs === undefined) return undefined;
    return { startMs, durationMs, discontinuity: discontinuities.has(number) };
  }

  async *read(bytes: FileBytes, number: number): AsyncGenerator<readonly FlvTag[], void, void> {
    const { columns, end, first } = this.#parts;
    const startMs = columns.starts[number];
    const position = number === 0 ? first : columns.positions[number];
    if (position === undefined || startMs === undefined) throw new RangeError(`no segment ${number}`);
    const headers = this.#headersAt(position, startMs);
    if (headers.length > 0) yield headers;
    const stop = columns.positions[number + 1] ?? end;
    const reader = new FlvReader();
    reader.write(flvHeader({ audio: true, video: true }));
    const buffer = new Uint8Array(Math.min(SEGMENT_READ_BYTES, stop - position));
    let isFirst = number > 0;
    for (let at = position; at < stop;) {
      const count = await bytes.read(buffer.subarray(0, Math.min(buffer.length, stop - at)), at);
      if (count === 0)
        throw new MediaFileError('changed', `${bytes.path} ends at byte ${at}, wanted ${stop}`);
      const tags = readTags(reader, buffer.subarray(0, count), bytes.path, at);
      at += count;
      if (tags.length === 0) continue;
      if (isFirst && Math.abs((tags[0]?.timestamp ?? 0) - startMs) > TIME_SLACK_MS) {
        throw new MediaFileError('changed', `${bytes.path}: no frame of ${startMs} ms at byte ${position}`);
      }
      isFirst = false;
      yield tags;
    }
  }

  /**
   * An index of the file after it has grown, which looks at what is new only.
   *
   * @returns undefined when the file is not the same one, or is not only longer.
   */
  async grown(bytes: FileBytes, plan: SegmentPlan): Promise<FlvIndex | undefined> {
    const { state, first, source, videoCodec, audioCodec } = this.#parts;
    const { columns } = this.#parts;
    const position = columns.positions.at(-1);
    if (bytes.state.identity !== state.identity || bytes.size <= state.size || position === undefined)
      return undefined;
    const timestamp = await timestampAt(bytes, position);
    if (timestamp !== columns.starts.at(-1)) return undefined;
    const open: SegmentColumns = {
      positions: [...columns.positions],
      starts: [...columns.starts],
      durations: columns.durations.slice(0, -1),
      discontinuities: new Set(columns.discontinuities),
      headers: [...columns.headers],
    };
    const scanner = new FlvScanner(plan, bytes.size, open);
    scanner.videoCodec = videoCodec;
    scanner.audioCodec = audioCodec;
    return finishIndex(bytes, scanner, { first, source, from: position });
  }

  /** Sequence headers in front of a place; those of the file's first segment stand in it. */
  #headersAt(position: number, timestamp: number): FlvTag[] {
    const latest = new Map<number, Uint8Array>();
    for (const header of this.#parts.columns.headers) {
      if (header.position < position) latest.set(header.type, header.body);
    }
    return [FlvTagType.video, FlvTagType.audio].flatMap((type) => {
      const body = latest.get(type);
      return body === undefined ? [] : [{ type, timestamp, body }];
    });
  }
}

/**
 * Makes the index of an FLV file: from the index of keyframes in its metadata when there is one and it holds,
 * else by a look at each tag's header.
 *
 * @throws MediaFileError `no-media`, `damaged`, `io`
 */
export async function indexFlv(
  bytes: FileBytes,
  plan: SegmentPlan,
  options: { readonly trustMetadata?: boolean } = {},
): Promise<FlvIndex> {
  const first = await firstTag(bytes);
  const known = options.trustMetadata === false ? undefined : await segmentsOfKeyframes(bytes, first, plan);
  if (known === undefined) {
    return finishIndex(bytes, new FlvScanner(plan, bytes.size), { first, source: 'scan', from: first });
  }
  const head = new FlvScanner(plan, bytes.size);
  await scan(bytes, head, first, Math.min(first + HEAD_BYTES, known.positions.at(-1) ?? first));
  const headStart = head.columns.starts[0];
  const [keyframe] = known.starts;
  // Audio may stand before the first keyframe.
  if (headStart !== undefined && keyframe !== undefined) {
    known.starts[0] = headStart;
    if (known.durations[0] !== undefined) known.durations[0] += keyframe - headStart;
  }
  known.positions[0] = first;
  known.headers.push(...head.columns.headers);
  const tail = new FlvScanner(plan, bytes.size, known);
  tail.videoCodec = head.videoCodec;
  tail.audioCodec = head.audioCodec;
  const from = known.positions.at(-1) ?? first;
  return finishIndex(bytes, tail, { first, source: 'metadata', from });
}

async function finishIndex(
  bytes: FileBytes,
  scanner: FlvScanner,
  { first, source, from }: Pick<Parts, 'first' | 'source'> & { readonly from: number },
): Promise<FlvIndex> {
  await scan(bytes, scanner, from, bytes.size);
  scanner.finish();
  const { columns, fault, videoCodec, audioCodec, end } = scanner;
  if (columns.starts.length === 0) {
    if (fault !== undefined) throw new MediaFileError('damaged', `${bytes.path}: ${fault}`);
    throw new MediaFileError('no-media', `${bytes.path} has no audio and no video`);
  }
  return new FlvIndex({ state: bytes.state, source, first, end, columns, videoCodec, audioCodec });
}

async function scan(bytes: FileBytes, scanner: FlvScanner, from: number, until: number): Promise<void> {
  const buffer = new Uint8Array(Math.min(SCAN_BYTES, Math.max(FLV_TAG_HEADER_BYTES, bytes.size - from)));
  let position = from;
  while (position < until && !scanner.stopped) {
    const count = await bytes.read(buffer, position);
    const next = scanner.walk(buffer.subarray(0, count), position);
    if (next === position) return;
    position = next;
  }
}

/** The byte of the first tag. @throws MediaFileError `damaged`, `io` */
async function firstTag(bytes: FileBytes): Promise<number> {
  const header = new Uint8Array(FLV_FILE_HEADER_BYTES);
  const count = await bytes.read(header, 0);
  if (count < header.length) throw new MediaFileError('damaged', `${bytes.path} ends inside its header`);
  try {
    return parseFlvHeader(header).dataOffset + FLV_PREVIOUS_TAG_SIZE_BYTES;
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    throw new MediaFileError('damaged', `${bytes.path}: ${error.message}`, { cause: error });
  }
}

function readTags(reader: FlvReader, bytes: Uint8Array, path: string, at: number): readonly FlvTag[] {
  try {
    return reader.write(bytes);
  } catch (error) {
    if (!(error instanceof MediaError)) throw error;
    throw new MediaFileError('damaged', `${path}, from byte ${at} on: ${error.message}`, { cause: error });
  }
}
