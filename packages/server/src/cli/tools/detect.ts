import { RtmpError } from '@sluice/rtmp';
import type { Command } from 'commander';

import { secondsNumber } from '../publish.ts';
import { kbpsOf, MediaCount } from './media-count.ts';
import {
  exitOf,
  processTerminal,
  requireStreamUrl,
  runTool,
  ToolExit,
  type ToolTerminal,
} from './terminal.ts';
import { watchStream } from './watch-stream.ts';

/** The flags of `sluice detect`. */
export interface DetectFlags {
  /** Seconds to watch from the first frame on. */
  readonly duration: number;
  /** Seconds for everything before the first frame. */
  readonly timeout: number;
}

/** Times since the beginning, ms; null for what did not happen. */
interface Moments {
  connectMs: number | null;
  playMs: number | null;
  firstFrameMs: number | null;
  firstKeyframeMs: number | null;
}

/** Adds `detect` to a program. What it does ends with the process's exit code, a value of {@link ToolExit}. */
export function registerDetectCommand(program: Command): void {
  program
    .command('detect')
    .description('look whether a stream is there: prints one line of JSON')
    .argument('<url>', 'rtmp://host[:port]/app/stream')
    .option('-d, --duration <s>', 'seconds to watch from the first frame on', secondsNumber, 3)
    .option('-t, --timeout <s>', 'seconds within which the first frame has to come', secondsNumber, 10)
    .action(async (url: string, flags: DetectFlags) => {
      process.exitCode = await runDetect(url, flags, processTerminal());
    });
}

/** Runs the command and answers its exit code: 0 when there is a stream. */
export function runDetect(url: string, flags: DetectFlags, terminal: ToolTerminal): Promise<ToolExit> {
  return runTool('detect', terminal, async (signal) => {
    requireStreamUrl(url);
    const begin = performance.now();
    const since = (): number => Math.round(performance.now() - begin);
    const enough = new AbortController();
    const end = (): void => {
      enough.abort();
    };
    signal.addEventListener('abort', end);
    const timeoutMs = flags.timeout * 1000;
    let timer = setTimeout(end, timeoutMs);
    const moments: Moments = { connectMs: null, playMs: null, firstFrameMs: null, firstKeyframeMs: null };
    const count = new MediaCount();
    let failure: unknown;
    try {
      const messages = watchStream(url, {
        timeoutMs,
        signal: enough.signal,
        onStep: (step) => {
          moments[step === 'connected' ? 'connectMs' : 'playMs'] = since();
        },
      });
      for await (const message of messages) {
        // A server may tell of itself where nobody publishes.
        if (message.kind === 'data') continue;
        const role = count.add(message);
        if (role === 'keyframe') moments.firstKeyframeMs ??= since();
        if (!count.some || moments.firstFrameMs !== null) continue;
        moments.firstFrameMs = since();
        clearTimeout(timer);
        timer = setTimeout(end, flags.duration * 1000);
      }
      if (!count.some) failure = new RtmpError('timeout', `no frame within ${flags.timeout} s`);
    } catch (error) {
      if (!(error instanceof RtmpError)) throw error;
      failure = error;
    } finally {
      clearTimeout(timer);
    }
    terminal.output.write(`${JSON.stringify(report(url, count, moments, since(), failure))}\n`);
    return failure === undefined || count.some ? ToolExit.done : exitOf(failure);
  });
}

function report(url: string, count: MediaCount, moments: Moments, totalMs: number, failure: unknown): object {
  const { videoFrames, audioFrames, bytes, mediaMs } = count;
  const watchedMs = moments.firstFrameMs === null ? 0 : totalMs - moments.firstFrameMs;
  const error = failure instanceof RtmpError ? failure : undefined;
  return {
    code: count.some ? 0 : (error?.number ?? 1),
    up: count.some,
    url,
    bytes,
    kbps: watchedMs === 0 ? 0 : kbpsOf(bytes, watchedMs),
    video_frames: videoFrames,
    audio_frames: audioFrames,
    media_ms: mediaMs,
    connect_ms: moments.connectMs,
    play_ms: moments.playMs,
    first_frame_ms: moments.firstFrameMs,
    first_keyframe_ms: moments.firstKeyframeMs,
    total_ms: totalMs,
    ...(error === undefined ? {} : { error: error.code, message: error.message }),
  };
}
