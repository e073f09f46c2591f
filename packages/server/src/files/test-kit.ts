import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { concatBytes } from '@sluice/media/bytes';
import { buildFlvMetadata, encodeFlvTag, flvHeader, type FlvTag, FlvTagType } from '@sluice/media/flv';
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

export function avcHeaderTag(timestamp = 0, mark = 1): FlvTag {
  return { type: FlvTagType.video, timestamp, body: Uint8Array.of(0x17, 0, 0, 0, 0, 1, 77, mark) };
}

export function aacHeaderTag(timestamp = 0): FlvTag {
  return { type: FlvTagType.audio, timestamp, body: Uint8Array.of(0xaf, 0, 0x12, 0x10) };
}

export function videoTag(timestamp: number, keyframe = false, size = 20): FlvTag {
  const body = new Uint8Array(5 + size).fill(7);
  body.set([keyframe ? 0x17 : 0x27, 1, 0, 0, 0]);
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
