import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { FlvReader, type FlvTag } from '@sluice/media/flv';
import { RunError } from './errors.ts';

const SECONDS = 24;
const FRAMES_PER_SECOND = 25;
const GOP_SECONDS = 2;

/** What a fixture should be like. */
export interface FixtureOptions {
  readonly width: number;
  readonly height: number;
  readonly videoKbps: number;
  readonly audioKbps: number;
  /** Bounds of the file's bit rate, kbps. */
  readonly minKbps: number;
  readonly maxKbps: number;
}

/** The stream of the cases: 25 frames a second, a keyframe every 2 s, H.264 and AAC of an even bit rate. */
export const STREAM: FixtureOptions = {
  width: 640,
  height: 360,
  videoKbps: 194,
  audioKbps: 48,
  minKbps: 245,
  maxKbps: 260,
};

/** The same with ten times the bit rate. */
export const HEAVY_STREAM: FixtureOptions = {
  width: 1280,
  height: 720,
  videoKbps: 2400,
  audioKbps: 64,
  minKbps: 2200,
  maxKbps: 2700,
};

/** An FLV file to publish. */
export interface Fixture {
  readonly file: string;
  /** Bit rate of the file, tag headers included, kbps. */
  readonly kbps: number;
  /** Bit rate of the audio and video messages alone, kbps. */
  readonly payloadKbps: number;
  /** Audio and video messages a second. */
  readonly messagesPerSecond: number;
}

/**
 * The fixture at that path, made with ffmpeg if it is not there yet.
 * @throws RunError without ffmpeg, or when the bit rate came out wrong
 */
export async function ensureFixture(
  file: string,
  options: FixtureOptions,
  ffmpeg = 'ffmpeg',
): Promise<Fixture> {
  if (!existsSync(file)) await makeFixture(file, options, ffmpeg);
  const bytes = readFileSync(file);
  const media = new FlvReader().write(bytes).filter((tag: FlvTag) => tag.type !== 18);
  const kbps = (bytes.length * 8) / 1000 / SECONDS;
  if (kbps < options.minKbps || kbps > options.maxKbps) {
    throw new RunError(
      'missing-tool',
      `${file} has ${kbps.toFixed(0)} kbps, not ${options.minKbps} to ${options.maxKbps}: delete it, or try another ffmpeg`,
    );
  }
  const payload = media.reduce((sum, tag) => sum + tag.body.length, 0);
  return {
    file,
    kbps,
    payloadKbps: (payload * 8) / 1000 / SECONDS,
    messagesPerSecond: media.length / SECONDS,
  };
}

async function makeFixture(file: string, options: FixtureOptions, ffmpeg: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const { width, height, videoKbps, audioKbps } = options;
  // Noise keeps the encoder busy in every frame, so that the bit rate is even.
  const filters =
    `[0]noise=alls=6:allf=t:all_seed=7[v];` + `[1][2]amix=inputs=2,aformat=channel_layouts=stereo[a]`;
  const unfinished = `${file}.part`;
  const gop = String(FRAMES_PER_SECOND * GOP_SECONDS);
  const video = `${videoKbps}k`;
  try {
    await promisify(execFile)(ffmpeg, [
      ...['-hide_banner', '-loglevel', 'error', '-y'],
      ...['-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${FRAMES_PER_SECOND}`],
      ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'],
      ...['-f', 'lavfi', '-i', 'anoisesrc=color=pink:sample_rate=44100:amplitude=0.3:seed=7'],
      ...['-filter_complex', filters, '-map', '[v]', '-map', '[a]', '-t', String(SECONDS)],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'main', '-pix_fmt', 'yuv420p', '-bf', '0'],
      ...['-g', gop, '-keyint_min', gop, '-sc_threshold', '0', '-threads', '1'],
      ...[
        '-b:v',
        video,
        '-minrate',
        video,
        '-maxrate',
        video,
        '-bufsize',
        video,
        '-x264-params',
        'nal-hrd=cbr',
      ],
      ...['-c:a', 'aac', '-b:a', `${audioKbps}k`, '-ar', '44100', '-ac', '2'],
      ...['-flvflags', 'no_duration_filesize', '-f', 'flv', unfinished],
    ]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunError('missing-tool', `cannot make the test stream with ${ffmpeg}: ${reason}`, { cause });
  }
  renameSync(unfinished, file);
}
