import { MediaError } from '@sluice/media';
import { type AmfValue, AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import {
  FLV_TAG_HEADER_BYTES,
  FlvTagType,
  parseFlvMetadata,
  parseFlvTagHeader,
  parseVideoTagHeader,
} from '@sluice/media/flv';

import type { FileBytes } from './file-bytes.ts';
import type { SegmentColumns } from './flv-scanner.ts';
import { emptyColumns } from './flv-scanner.ts';
import type { SegmentPlan } from './segment-index.ts';

/** The longest metadata that is read for its index of keyframes, bytes. */
export const MAX_METADATA_BYTES = 4 * 1024 * 1024;
/** So many places of an index of keyframes are looked at before it is believed. */
const SPOT_CHECKS = 12;
/** Rounding of a time in the index that is put up with, ms. */
export const TIME_SLACK_MS = 1;
const BODY_HEAD_BYTES = 16;

/** An index of keyframes as file tools (flvmeta, yamdi, ffmpeg, SRS's injecter) write it into the metadata. */
interface KeyframeIndex {
  /** Bytes. */
  readonly positions: readonly number[];
  /** ms */
  readonly times: readonly number[];
}

/**
 * Cuts a file into segments by the index of keyframes in its metadata: nothing but the beginning of the file and
 * a few of the places that the index names is read.
 *
 * @param first byte of the first tag
 * @returns columns whose last segment is open; undefined when there is no such index, or when it is not true or
 * too coarse for the plan's limits.
 * @throws MediaFileError `io`
 */
export async function segmentsOfKeyframes(
  bytes: FileBytes,
  first: number,
  plan: SegmentPlan,
): Promise<SegmentColumns | undefined> {
  const body = await firstScriptBody(bytes, first);
  const index = body === undefined ? undefined : keyframeIndexOf(body, bytes.size);
  if (index === undefined) return undefined;
  // Some writers count from the first keyframe.
  const begin = await timestampAt(bytes, index.positions[0] ?? 0);
  const shift = (begin ?? 0) - (index.times[0] ?? 0);
  const columns = cutByIndex({ ...index, times: index.times.map((time) => time + shift) }, plan);
  if (columns === undefined || !(await isTrue(bytes, columns))) return undefined;
  return columns;
}

async function firstScriptBody(bytes: FileBytes, first: number): Promise<Uint8Array | undefined> {
  const header = new Uint8Array(FLV_TAG_HEADER_BYTES);
  if ((await bytes.read(header, first)) < header.length || header[0] !== FlvTagType.script) return undefined;
  const { size } = parseFlvTagHeader(header);
  if (size > MAX_METADATA_BYTES) return undefined;
  const body = new Uint8Array(size);
  return (await bytes.read(body, first + FLV_TAG_HEADER_BYTES)) < size ? undefined : body;
}

function keyframeIndexOf(body: Uint8Array, fileSize: number): KeyframeIndex | undefined {
  try {
    const keyframes = parseFlvMetadata(body)?.properties.get('keyframes');
    if (!(keyframes instanceof AmfObject) && !(keyframes instanceof AmfEcmaArray)) return undefined;
    const positions = numbersOf(keyframes.get('filepositions'));
    const times = numbersOf(keyframes.get('times'))?.map((seconds) => Math.round(seconds * 1000));
    if (positions === undefined || positions.length !== times?.length) return undefined;
    return positions.length > 1 && grows(positions) && grows(times) && (positions.at(-1) ?? 0) < fileSize
      ? { positions, times }
      : undefined;
  } catch (error) {
    // Metadata that can't be read is no index; the tags themselves are looked at.
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

function numbersOf(value: AmfValue): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers = value.filter((item): item is number => typeof item === 'number' && item >= 0);
  return numbers.length === value.length ? numbers : undefined;
}

/** Some writers name the sequence header as the first keyframe, at the time of the second. */
function grows(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
}

function cutByIndex({ positions, times }: KeyframeIndex, plan: SegmentPlan): SegmentColumns | undefined {
  const columns = emptyColumns();
  for (const [index, time] of times.entries()) {
    const position = positions[index] ?? 0;
    const start = columns.starts.at(-1);
    if (start !== undefined) {
      const length = time - start;
      if (length < plan.targetMs) continue;
      // Within these limits the tags themselves have to say where to cut.
      const size = position - (columns.positions.at(-1) ?? 0);
      if (length > plan.maxMs || size <= 0 || size > plan.maxBytes) return undefined;
      columns.durations.push(length);
    }
    if (columns.starts.length >= plan.maxSegments) return undefined;
    columns.positions.push(position);
    columns.starts.push(time);
  }
  return columns;
}

/** Looks at some of the places, the first and the last among them. */
async function isTrue(bytes: FileBytes, { positions, starts }: SegmentColumns): Promise<boolean> {
  const last = positions.length - 1;
  const steps = Math.min(SPOT_CHECKS, last);
  const numbers = Array.from({ length: steps + 1 }, (_, step) =>
    steps === 0 ? 0 : Math.round((step * last) / steps),
  );
  const answers = await Promise.all(
    numbers.map((number) => isKeyframe(bytes, positions[number] ?? 0, starts[number] ?? 0)),
  );
  return answers.every(Boolean);
}

/** Whether a tag with a keyframe (or, as some name it, its sequence header) of this time is at this place. */
async function isKeyframe(bytes: FileBytes, position: number, timestamp: number): Promise<boolean> {
  const tag = new Uint8Array(FLV_TAG_HEADER_BYTES + BODY_HEAD_BYTES);
  const count = await bytes.read(tag, position);
  if (count <= FLV_TAG_HEADER_BYTES || tag[0] !== FlvTagType.video) return false;
  const header = parseVideoTagHeader(tag.subarray(FLV_TAG_HEADER_BYTES, count));
  const starts = header?.keyframe === true || header?.packetType === 'sequence-header';
  return starts && Math.abs(parseFlvTagHeader(tag).timestamp - timestamp) <= TIME_SLACK_MS;
}

/** The timestamp of the tag at a place; undefined where none begins. @throws MediaFileError `io` */
export async function timestampAt(bytes: FileBytes, position: number): Promise<number | undefined> {
  const header = new Uint8Array(FLV_TAG_HEADER_BYTES);
  if ((await bytes.read(header, position)) < header.length) return undefined;
  try {
    return parseFlvTagHeader(header).timestamp;
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
