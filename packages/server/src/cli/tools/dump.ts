import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';

import { MediaError } from '@sluice/media';
import { decodeAmf0 } from '@sluice/media/amf';
import { FlvWriter } from '@sluice/media/flv';
import type { MediaMessage } from '@sluice/rtmp';
import { type Command, InvalidArgumentError } from 'commander';

import { secondsNumber } from '../publish.ts';
import { MediaCount } from './media-count.ts';
import {
  OutputError,
  processTerminal,
  requireStreamUrl,
  runTool,
  ToolExit,
  type ToolTerminal,
} from './terminal.ts';
import { watchStream } from './watch-stream.ts';

/** The flags of `sluice dump`. */
export interface DumpFlags {
  readonly output?: string;
  /** Seconds of media. */
  readonly time?: number;
  readonly swfUrl?: string;
  readonly pageUrl?: string;
  readonly simple?: true;
  /** Seconds. */
  readonly timeout: number;
  readonly quiet?: true;
}

/** Adds `dump` to a program. What it does ends with the process's exit code, a value of {@link ToolExit}. */
export function registerDumpCommand(program: Command): void {
  program
    .command('dump')
    .description('play an RTMP stream into an FLV file, or only count what comes')
    .argument('<url>', 'rtmp://host[:port]/app/stream')
    .option('-o, --output <file>', 'the FLV file to write; - is the standard output')
    .option('-t, --time <s>', 'end after so many seconds of media', mediaSeconds)
    .option('-s, --swf-url <url>', 'the swfUrl that the server is told')
    .option('-p, --page-url <url>', 'the pageUrl that the server is told')
    .option('--simple', 'the simple handshake (the complex one, which falls back to it)')
    .option(
      '--timeout <s>',
      'seconds that the server has to answer, and between two messages',
      secondsNumber,
      30,
    )
    .option('-q, --quiet', 'say nothing but errors')
    .action(async (url: string, flags: DumpFlags) => {
      process.exitCode = await runDump(url, flags, processTerminal());
    });
}

/** Runs the command and answers its exit code. */
export function runDump(url: string, flags: DumpFlags, terminal: ToolTerminal): Promise<ToolExit> {
  return runTool('dump', terminal, async (signal) => {
    requireStreamUrl(url);
    const say = (text: string): void => {
      if (flags.quiet !== true) terminal.say(`${text}\n`);
    };
    const begin = performance.now();
    const count = new MediaCount();
    const endMs = (flags.time ?? Infinity) * 1000;
    let file: FlvOutput | undefined;
    try {
      const messages = watchStream(url, {
        timeoutMs: flags.timeout * 1000,
        signal,
        client: clientOptions(flags),
        onStep: (step) => {
          if (step === 'playing') say(`playing ${url}`);
        },
      });
      for await (const message of messages) {
        // A file is made when there is something to put into it: a refusal leaves none.
        if (flags.output !== undefined) file ??= new FlvOutput(flags.output, terminal.output);
        const isMedia = message.kind !== 'data';
        if (isMedia) count.add(message);
        if (isMedia || isForFiles(message)) await file?.write(message);
        if (count.mediaMs >= endMs) break;
      }
    } finally {
      await file?.close();
      if (count.some) say(`${signal.aborted ? 'stopped' : 'done'}: ${count.text(performance.now() - begin)}`);
    }
    return ToolExit.done;
  });
}

function clientOptions({ swfUrl, pageUrl, simple }: DumpFlags): object {
  return {
    ...(swfUrl === undefined ? {} : { swfUrl }),
    ...(pageUrl === undefined ? {} : { pageUrl }),
    ...(simple === true ? { handshake: 'simple' } : {}),
  };
}

/** What a server says to its player only (`|RtmpSampleAccess`, `onStatus`) has no place in a file. */
function isForFiles({ payload }: MediaMessage): boolean {
  try {
    const [name] = decodeAmf0(payload);
    return typeof name === 'string' && !name.startsWith('|') && name !== 'onStatus';
  } catch (error) {
    if (error instanceof MediaError) return false;
    throw error;
  }
}

/** An FLV file that is written at the pace of its disk; its time begins at 0. */
class FlvOutput {
  readonly #path: string;
  readonly #target: Writable;
  readonly #isFile: boolean;
  readonly #writer = new FlvWriter();
  #first: number | undefined;
  #failure: OutputError | undefined;

  constructor(path: string, standardOutput: Writable) {
    this.#isFile = path !== '-';
    this.#path = this.#isFile ? path : 'the standard output';
    this.#target = this.#isFile ? createWriteStream(path) : standardOutput;
    this.#target.on('error', (error) => {
      this.#failure ??= new OutputError(this.#path, error);
    });
  }

  /** @throws OutputError */
  async write({ kind, flvTagType, timestamp, payload }: MediaMessage): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (kind !== 'data') this.#first ??= timestamp;
    const time = Math.max(0, timestamp - (this.#first ?? timestamp));
    const bytes = this.#writer.write({ type: flvTagType, timestamp: time, body: payload });
    if (!this.#target.write(bytes)) await this.#settled('drain');
  }

  /** @throws OutputError */
  async close(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isFile) return;
    this.#target.end();
    await this.#settled('close');
  }

  async #settled(event: 'drain' | 'close'): Promise<void> {
    try {
      await once(this.#target, event);
    } catch (error) {
      throw this.#failure ?? new OutputError(this.#path, error);
    }
  }
}

function mediaSeconds(text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0 && value <= 1e7)) {
    throw new InvalidArgumentError('It is a number of seconds above 0.');
  }
  return value;
}
