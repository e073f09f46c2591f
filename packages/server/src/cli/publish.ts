import { RtmpError } from '@sluice/rtmp';
import { type Command, InvalidArgumentError } from 'commander';

import { errorText } from '../error-text.ts';
import { MediaFileError } from '../files/index.ts';
import { FilePush, type FilePushOptions, type FilePushTotals } from '../relay/ingest/index.ts';
import { processTerminal, requireStreamUrl, ToolExit } from './tools/terminal.ts';

/** What the command needs from the process. */
export interface PublishTerminal {
  /** Writes a message, or progress that the next one overwrites. */
  readonly write: (text: string) => void;
  /** Whether a person is looking: progress is for people. */
  readonly interactive: boolean;
  /** Calls back on each wish of the user to stop; returns a function that ends it. */
  readonly onStop: (listener: () => void) => () => void;
}

interface PublishFlags {
  readonly loop?: true;
  readonly rounds?: number;
  readonly speed: number;
  readonly retry?: true;
  readonly retries?: number;
  readonly timeout: number;
  readonly quiet?: true;
}

const PROGRESS_INTERVAL_MS = 1_000;
/** Carriage return, erase the line. */
const LINE_START = '\r\u001b[K';

/** Adds `publish` to a program. What it does ends with the process's exit code, a value of {@link ToolExit}. */
export function registerPublishCommand(program: Command): void {
  program
    .command('publish')
    .description('play an FLV or MP4 file to an RTMP server in real time')
    .argument('<file>', 'the FLV or MP4 file')
    .argument('<url>', 'rtmp://host[:port]/app/stream')
    .option('-l, --loop', 'play the file again and again')
    .option('--rounds <n>', 'play the file so many times (once)', wholeNumber)
    .option('-s, --speed <n>', 'times real time; 0 sends as fast as the server takes it', speedNumber, 1)
    .option('-r, --retry', 'when the connection fails, connect again until it works')
    .option('--retries <n>', 'connect again so many times in a row', wholeNumber)
    .option('--timeout <s>', 'seconds that the server has to answer', secondsNumber, 10)
    .option('-q, --quiet', 'say nothing but errors')
    .action(async (file: string, url: string, flags: PublishFlags) => {
      process.exitCode = await runPublish(file, url, flags, publishTerminal());
    });
}

/** Runs the command and answers its exit code. */
export async function runPublish(
  file: string,
  url: string,
  flags: PublishFlags,
  terminal: PublishTerminal,
): Promise<ToolExit> {
  const problem = urlProblem(url);
  if (problem !== undefined) {
    terminal.write(`sluice publish: ${problem}\n`);
    return ToolExit.usage;
  }
  const begin = performance.now();
  const display = new Display(terminal, flags.quiet === true);
  const push = new FilePush({
    ...pushOptions(file, url, flags),
    onEvent: (event) => {
      if (event.kind === 'skipped') display.say(`${file}: ${event.what} is not sent`);
      if (event.kind === 'publishing') display.say(`publishing ${file} to ${url}`);
      if (event.kind === 'retry')
        display.say(`${event.error.message}; trying again in ${event.delayMs / 1000} s`);
    },
  });
  let asked = 0;
  const forget = terminal.onStop(() => {
    asked += 1;
    push.stop();
  });
  const timer = setInterval(() => {
    display.progress(progressLine(push.totals, performance.now() - begin));
  }, PROGRESS_INTERVAL_MS);
  let exit: ToolExit = ToolExit.done;
  let failure: string | undefined;
  try {
    await push.run();
  } catch (error) {
    exit = exitOf(error, push.totals);
    failure = errorText(error);
  } finally {
    clearInterval(timer);
    forget();
  }
  display.clear();
  if (failure !== undefined) terminal.write(`sluice publish: ${failure}\n`);
  const { totals } = push;
  const sent = totals.audioFrames + totals.videoFrames > 0;
  if (sent) display.say(totalsLine(totals, performance.now() - begin, asked > 0));
  return exit;
}

function pushOptions(file: string, url: string, flags: PublishFlags): FilePushOptions {
  const attempts = flags.retries ?? (flags.retry === true ? Infinity : 0);
  return {
    file,
    url,
    rounds: flags.rounds ?? (flags.loop === true ? Infinity : 1),
    speed: flags.speed === 0 ? Infinity : flags.speed,
    timeoutMs: flags.timeout * 1000,
    ...(attempts === 0 ? {} : { retry: { attempts } }),
  };
}

function urlProblem(url: string): string | undefined {
  try {
    requireStreamUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof RtmpError) return error.message;
    throw error;
  }
}

function exitOf(error: unknown, totals: FilePushTotals): ToolExit {
  if (error instanceof MediaFileError) return ToolExit.file;
  if (!(error instanceof RtmpError)) throw error;
  if (error.code === 'rejected') return ToolExit.refused;
  return totals.audioFrames + totals.videoFrames > 0 ? ToolExit.lost : ToolExit.connection;
}

/** Lines that stay, and one that is written over. */
class Display {
  readonly #terminal: PublishTerminal;
  readonly #quiet: boolean;
  #showsProgress = false;

  constructor(terminal: PublishTerminal, quiet: boolean) {
    this.#terminal = terminal;
    this.#quiet = quiet;
  }

  say(text: string): void {
    if (this.#quiet) return;
    this.clear();
    this.#terminal.write(`${text}\n`);
  }

  progress(text: string): void {
    if (this.#quiet || !this.#terminal.interactive) return;
    this.#terminal.write(`${LINE_START}${text}`);
    this.#showsProgress = true;
  }

  clear(): void {
    if (this.#showsProgress) this.#terminal.write(LINE_START);
    this.#showsProgress = false;
  }
}

function progressLine(totals: FilePushTotals, elapsedMs: number): string {
  const { videoFrames, audioFrames } = totals;
  return `${clockText(totals.mediaMs)}  ${kbps(totals, elapsedMs)} kbps  ${videoFrames} video, ${audioFrames} audio`;
}

function totalsLine(totals: FilePushTotals, elapsedMs: number, stopped: boolean): string {
  const { videoFrames, audioFrames, bytes, mediaMs, rounds, reconnects } = totals;
  const parts = [
    `${clockText(mediaMs)} of media in ${clockText(elapsedMs)}`,
    `${videoFrames} video and ${audioFrames} audio frames`,
    `${bytes} bytes, ${kbps(totals, elapsedMs)} kbps`,
  ];
  if (rounds > 1) parts.push(`${rounds} rounds`);
  if (reconnects > 0) parts.push(`${reconnects} reconnects`);
  return `${stopped ? 'stopped' : 'done'}: ${parts.join('; ')}`;
}

/** Of the wall clock: what the network carries. */
function kbps({ bytes }: FilePushTotals, elapsedMs: number): string {
  return ((bytes * 8) / Math.max(1, elapsedMs)).toFixed(0);
}

/** Milliseconds as `1:02:03.4`. */
export function clockText(ms: number): string {
  const tenths = Math.round(ms / 100);
  const seconds = Math.floor(tenths / 10);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const head =
    hours > 0 ? `${hours}:${pad(Math.floor(seconds / 60) % 60)}` : String(Math.floor(seconds / 60));
  return `${head}:${pad(seconds % 60)}.${tenths % 10}`;
}

/** Takes a flag's word as a whole number from 1 on. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1e9) {
    throw new InvalidArgumentError('It is a whole number from 1 on.');
  }
  return value;
}

function speedNumber(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value <= 1000)) throw new InvalidArgumentError('It is 0 to 1000.');
  return value;
}

/** Takes a flag's word as seconds, up to an hour. */
export function secondsNumber(text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0 && value <= 3600)) {
    throw new InvalidArgumentError('It is a number of seconds up to 3600.');
  }
  return value;
}

/** The terminal that the process has. */
export function publishTerminal(): PublishTerminal {
  const { say, onStop } = processTerminal();
  return { write: say, interactive: process.stderr.isTTY, onStop };
}
