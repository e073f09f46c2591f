import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { concatBytes } from '../bytes/index.ts';
import {
  type Mp4AudioTrackConfig,
  type Mp4Finish,
  Mp4Recording,
  type Mp4Track,
  type Mp4TrackConfig,
  Mp4AudioClock,
  openMp4,
  repairMp4,
  runReadStepsOn,
} from './index.ts';

const FFMPEG = 'ffmpeg';
const FFPROBE = 'ffprobe';
/** ffmpeg has the last word on what a file is. Without it these tests are left out. */
const available =
  spawnSync(FFMPEG, ['-version']).status === 0 && spawnSync(FFPROBE, ['-version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'mp4-'));

afterAll(() => rmSync(folder, { recursive: true }));

const SECONDS = 4;

/** A test picture and a tone, as a fragmented MP4 of ffmpeg's. */
function source(...codecs: readonly string[]): Uint8Array {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25', '-f', 'lavfi', '-i', 'sine=r=44100'];
  const output = ['-movflags', 'frag_keyframe+delay_moov', '-f', 'mp4', 'pipe:1'];
  const args = ['-v', 'error', ...inputs, '-t', String(SECONDS), '-g', '25', ...codecs, ...output];
  return execFileSync(FFMPEG, args, { maxBuffer: 64 * 1024 * 1024 });
}

function configOf(track: Mp4Track): Mp4TrackConfig {
  const { id, codec, configuration, width, height, sampleRate, channels } = track;
  if (codec === 'h264' || codec === 'hevc' || codec === 'av1') {
    return { id, codec, configuration, width, height };
  }
  const audio: Mp4AudioTrackConfig = { id, codec: codec ?? 'aac', configuration, channels };
  return codec === 'mp3' ? { ...audio, sampleRate } : audio;
}

/** Reads a file and records what is in it, as a live stream would come: with times in ms, the video later or not. */
function recordAgain(bytes: Uint8Array, videoDelayMs = 0): { live: Uint8Array; recording: Mp4Recording } {
  const file = runReadStepsOn(bytes, openMp4(bytes.length));
  const recording = new Mp4Recording(file.tracks.map(configOf));
  const clocks = new Map(
    file.tracks.map(({ id, sampleRate }) => [id, new Mp4AudioClock(Math.max(sampleRate, 1))]),
  );
  const pieces = [recording.head];
  const cut = (): void => {
    const fragment = recording.cut();
    if (fragment === undefined) return;
    pieces.push(...fragment.pieces.map((piece) => piece.slice()));
    recording.written(fragment);
  };
  const cursor = file.cursor();
  for (;;) {
    const samples = runReadStepsOn(bytes, cursor.read());
    if (samples.length === 0) break;
    for (const { track, offset, size, dts, pts, duration, keyframe } of samples) {
      if (track.kind === 'video' && keyframe) cut();
      const ticks =
        track.kind === 'video' ? dts + videoDelayMs : (clocks.get(track.id)?.ticks(dts, duration) ?? 0);
      recording.add(
        track.id,
        ticks,
        track.kind === 'video' ? pts - dts : 0,
        keyframe,
        bytes.subarray(offset, offset + size),
      );
    }
  }
  cut();
  return { live: concatBytes(pieces), recording };
}

function finished(bytes: Uint8Array, { size, tail, patch }: Mp4Finish): Uint8Array {
  const file = concatBytes([bytes.subarray(0, size), tail]);
  file.set(patch.bytes, patch.offset);
  return file;
}

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

interface Probe {
  readonly streams: readonly { codec_name: string; nb_read_frames: string; duration: string }[];
}

function probe(path: string): Probe {
  const entries = ['-show_entries', 'stream=codec_name,nb_read_frames,duration', '-of', 'json'];
  const run = spawnSync(FFPROBE, ['-v', 'error', '-count_frames', ...entries, path], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as Probe;
}

/** When the first picture is shown, s. */
function startOf(path: string): number {
  const entries = ['-select_streams', 'v', '-show_entries', 'stream=start_time', '-of', 'csv=p=0'];
  return Number(execFileSync(FFPROBE, ['-v', 'error', ...entries, path], { encoding: 'utf8' }));
}

/** The decoded pictures of a file as one sum; `seek` in seconds gives the first picture from there. */
function pictures(path: string, seek?: number): string {
  const from = seek === undefined ? [] : ['-ss', String(seek)];
  const one = seek === undefined ? [] : ['-frames:v', '1'];
  const args = [
    '-v',
    'error',
    ...from,
    '-i',
    path,
    '-map',
    '0:v',
    ...one,
    '-fps_mode',
    'passthrough',
    '-f',
    'md5',
    '-',
  ];
  return execFileSync(FFMPEG, args, { encoding: 'utf8' });
}

/** Builds of ffmpeg differ in what they can encode. */
const encoders = available ? execFileSync(FFMPEG, ['-hide_banner', '-encoders'], { encoding: 'utf8' }) : '';

describe.skipIf(!available)('MP4 in the eyes of ffmpeg', () => {
  it.each([
    ['h264', 'aac', ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-c:a', 'aac']],
    [
      'hevc',
      'mp3',
      ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=0', '-c:a', 'libmp3lame'],
    ],
    ['av1', 'opus', ['-c:v', 'libaom-av1', '-cpu-used', '8', '-c:a', 'libopus']],
  ])(
    'V001 V003 %s and %s: recorded, killed, mended and finished',
    (video, audio, codecs) => {
      if (codecs.some((word) => word.startsWith('lib') && !encoders.includes(` ${word} `))) return;
      const original = source(...codecs);
      const { live, recording } = recordAgain(original);
      const wanted = probe(save('source.mp4', original));
      const sum = pictures(save('source.mp4', original));
      for (const [name, bytes] of [
        ['live.mp4', live],
        ['done.mp4', finished(live, recording.finish())],
      ] as const) {
        const path = save(name, bytes);
        const found = probe(path);
        expect(found.streams.map((stream) => stream.codec_name)).toEqual([video, audio]);
        expect(found.streams.map((stream) => stream.nb_read_frames)).toEqual(
          wanted.streams.map((stream) => stream.nb_read_frames),
        );
        for (const stream of found.streams)
          expect(Math.abs(Number(stream.duration) - SECONDS)).toBeLessThan(0.15);
        expect(pictures(path)).toBe(sum);
        expect(pictures(path, 2.5)).toBe(pictures(join(folder, 'source.mp4'), 2.5));
      }
      const killed = live.subarray(0, live.length - 100);
      const repair = runReadStepsOn(killed, repairMp4(killed.length));
      expect(repair.state).toBe('cut');
      const mended = probe(save('mended.mp4', finished(killed, repair.recording.finish())));
      expect(mended.streams[0]?.nb_read_frames).toBe(String((SECONDS - 1) * 25));
    },
    60_000,
  );

  it('V001 reordered pictures that begin behind the sound are all shown, in step with it', () => {
    if (!encoders.includes(' libx264 ')) return;
    const original = source('-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-c:a', 'aac');
    const { live, recording } = recordAgain(original, 60);
    const fragmented = save('late-live.mp4', live);
    const done = save('late-done.mp4', finished(live, recording.finish()));
    expect(probe(done).streams[0]?.nb_read_frames).toBe(String(SECONDS * 25));
    expect(pictures(done)).toBe(pictures(save('source.mp4', original)));
    expect(startOf(done)).toBeCloseTo(startOf(fragmented), 3);
  }, 60_000);
});
