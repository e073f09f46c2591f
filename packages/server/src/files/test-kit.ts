import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { concatBytes, hexToBytes } from '@sluice/media/bytes';
import { buildFlvMetadata, encodeFlvTag, flvHeader, type FlvTag, FlvTagType } from '@sluice/media/flv';
import { Mp4Recording } from '@sluice/media/mp4';
import { onTestFinished } from 'vitest';

import type { Clock } from './pace.ts';

/** A directory for one test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-files-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** Writes a file for one test; returns its path. */
export async function temporaryFile(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, bytes);
  return path;
}

/** A file of these tags. */
export function flvBytes(tags: readonly FlvTag[]): Uint8Array {
  return concatBytes([flvHeader({ audio: true, video: true }), ...tags.map(encodeFlvTag)]);
}

export function metadataTag(properties: ReadonlyMap<string, number | string> = new Map()): FlvTag {
  return { type: FlvTagType.script, timestamp: 0, body: buildFlvMetadata({ properties }) };
}

/** An avcC of x264's. */
const AVC_CONFIGURATION = hexToBytes(
  '0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800',
);

/** @param mark makes it differ from others */
export function avcHeaderTag(timestamp = 0, mark = 1): FlvTag {
  const body = concatBytes([Uint8Array.of(0x17, 0, 0, 0, 0), AVC_CONFIGURATION]);
  // profile_compatibility: of no matter to who does not decode.
  body[7] = mark;
  return { type: FlvTagType.video, timestamp, body };
}

export function aacHeaderTag(timestamp = 0): FlvTag {
  return { type: FlvTagType.audio, timestamp, body: Uint8Array.of(0xaf, 0, 0x12, 0x10) };
}

/** A frame of one NAL unit with `size` bytes behind its length. */
export function videoTag(timestamp: number, keyframe = false, size = 20): FlvTag {
  const body = new Uint8Array(9 + size).fill(7);
  body.set([keyframe ? 0x17 : 0x27, 1, 0, 0, 0]);
  new DataView(body.buffer).setUint32(5, size);
  body[9] = keyframe ? 0x65 : 0x41;
  return { type: FlvTagType.video, timestamp, body };
}

export function audioTag(timestamp: number, size = 10): FlvTag {
  const body = new Uint8Array(2 + size).fill(9);
  body.set([0xaf, 1]);
  return { type: FlvTagType.audio, timestamp, body };
}

/** One round of `ms` milliseconds: video each 40 ms with a keyframe each `gopMs`, audio each 20 ms. */
export function clipTags(ms: number, gopMs = 1000, first = 0): FlvTag[] {
  const tags: FlvTag[] = [metadataTag(), avcHeaderTag(), aacHeaderTag()];
  for (let at = 0; at < ms; at += 20) {
    if (at % 40 === 0) tags.push(videoTag(first + at, at % gopMs === 0));
    tags.push(audioTag(first + at));
  }
  return tags;
}

/** A clock that jumps to the end of each sleep. */
export class FakeClock implements Clock {
  time = 5_000;
  sleeps = 0;

  now(): number {
    return this.time;
  }

  sleep(ms: number): Promise<void> {
    this.time += ms;
    this.sleeps += 1;
    return Promise.resolve();
  }
}

/** The frames of a clip as an MP4: finished, or as it is while it is recorded, with a fragment for each second. */
export function mp4Bytes(tags: readonly FlvTag[], finished = true, withOpus = false): Uint8Array {
  const opus = Uint8Array.of(0, 2, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0);
  const recording = new Mp4Recording([
    { id: 1, codec: 'h264', configuration: AVC_CONFIGURATION },
    { id: 2, codec: 'aac', configuration: Uint8Array.of(0x12, 0x10), timescale: 1000 },
    ...(withOpus ? [{ id: 3, codec: 'opus', configuration: opus } as const] : []),
  ]);
  const pieces: Uint8Array[] = [recording.head];
  const cut = (): void => {
    const fragment = recording.cut();
    if (fragment === undefined) return;
    pieces.push(...fragment.pieces.map((piece) => piece.slice()));
    recording.written(fragment);
  };
  for (const { type, timestamp, body } of tags) {
    const isVideo = type === FlvTagType.video;
    if (type === FlvTagType.script || body[1] !== 1) continue;
    if (recording.pendingDuration >= 1000) cut();
    const data = body.subarray(isVideo ? 5 : 2);
    recording.add(isVideo ? 1 : 2, timestamp, 0, !isVideo || body[0] === 0x17, data);
  }
  cut();
  if (!finished) return concatBytes(pieces);
  const { tail, patch } = recording.finish();
  const file = concatBytes([...pieces, tail]);
  file.set(patch.bytes, patch.offset);
  return file;
}
