import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ffmpeg } from './ffmpeg.ts';

const folder = fileURLToPath(new URL('../../node_modules/.cache/sluice-fixtures/', import.meta.url));

/** Seconds of every clip; the distance of its keyframes is one second, 25 frames. */
export const FIXTURE_SECONDS = 8;

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
const x264 = [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-b:v', '200k', '-threads', '1'],
  ...['-g', '25', '-keyint_min', '25', '-sc_threshold', '0'],
];
const aac = ['-c:a', 'aac', '-b:a', '48k', '-ac', '2'];

/** The clips: container and ffmpeg arguments. FLV unless the codec does not fit into it. */
const recipes = {
  'h264-aac': { extension: 'flv', args: [...picture, ...tone, ...x264, '-bf', '0', ...aac] },
  'h264-bframes-aac': { extension: 'flv', args: [...picture, ...tone, ...x264, '-bf', '3', ...aac] },
  'h264-mp3': {
    extension: 'flv',
    args: [...picture, ...tone, ...x264, '-bf', '0', '-c:a', 'libmp3lame', '-b:a', '64k', '-ac', '2'],
  },
  'aac-only': { extension: 'flv', args: [...tone, ...aac] },
  'mp3-only': { extension: 'flv', args: [...tone, '-c:a', 'libmp3lame', '-b:a', '64k', '-ac', '2'] },
  'h264-only': { extension: 'flv', args: [...picture, ...x264, '-bf', '0'] },
  'hevc-aac': {
    extension: 'mp4',
    args: [
      ...[...picture, ...tone, '-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-x265-params', 'keyint=25:min-keyint=25:scenecut=0:bframes=0:pools=1:log-level=error'],
      ...['-tag:v', 'hvc1', ...aac],
    ],
  },
} as const;

export type FixtureName = keyof typeof recipes;

/** The clips that are being made or are there: concurrent tests of a file want the same ones. */
const made = new Map<FixtureName, Promise<string>>();

/** The path of a clip, made at its first use and kept from then on. The bytes are the same for one ffmpeg. */
export async function fixture(name: FixtureName): Promise<string> {
  const clip = made.get(name) ?? make(name);
  made.set(name, clip);
  return clip;
}

async function make(name: FixtureName): Promise<string> {
  const { extension, args } = recipes[name];
  const file = join(folder, `${name}.${extension}`);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  // Made aside, so that a run that is cut off leaves no half clip behind, and that two processes don't meet.
  const draft = join(folder, `.${randomUUID()}-${name}.${extension}`);
  const exact = ['-flags', '+bitexact', '-fflags', '+bitexact', '-map_metadata', '-1'];
  try {
    await ffmpeg([...args, '-t', String(FIXTURE_SECONDS), ...exact, '-y', draft]);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  return file;
}
