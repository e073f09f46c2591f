import { type Command, InvalidArgumentError } from 'commander';

import { secondsNumber } from '../publish.ts';
import { StreamRelay } from './stream-relay.ts';
import { processTerminal, requireStreamUrl, runTool, ToolExit, type ToolTerminal } from './terminal.ts';

/** The flags of `sluice ingest-rtmp`. */
export interface IngestRtmpFlags {
  readonly input: string;
  readonly output: string;
  /** Failures in a row that are put up with. Default: for ever. */
  readonly retries?: number;
  /** Seconds. */
  readonly timeout: number;
  readonly quiet?: true;
}

/** Adds `ingest-rtmp` to a program. What it does ends with the process's exit code, a value of {@link ToolExit}. */
export function registerIngestRtmpCommand(program: Command): void {
  program
    .command('ingest-rtmp')
    .description('play a stream from one RTMP server and publish it to another')
    .requiredOption('-i, --input <url>', 'the stream to play')
    .requiredOption('-y, --output <url>', 'what to publish it as')
    .option('--retries <n>', 'connect again so many times in a row (for ever); 0 is never', retryNumber)
    .option(
      '--timeout <s>',
      'seconds that a server has to answer, and between two messages',
      secondsNumber,
      10,
    )
    .option('-q, --quiet', 'say nothing but errors')
    .action(async (flags: IngestRtmpFlags) => {
      process.exitCode = await runIngestRtmp(flags, processTerminal());
    });
}

/** Runs the command and answers its exit code. */
export function runIngestRtmp(flags: IngestRtmpFlags, terminal: ToolTerminal): Promise<ToolExit> {
  return runTool('ingest-rtmp', terminal, async (signal) => {
    const { input, output, retries, timeout } = flags;
    requireStreamUrl(input);
    requireStreamUrl(output);
    const say = (text: string): void => {
      if (flags.quiet !== true) terminal.say(`${text}\n`);
    };
    const begin = performance.now();
    const relay = new StreamRelay(
      {
        input,
        output,
        retry: { attempts: retries ?? Infinity },
        timeoutMs: timeout * 1000,
        onEvent: (event) => {
          if (event.kind === 'publishing') say(`publishing ${input} as ${output}`);
          else say(`${event.error.message}; trying again in ${event.delayMs / 1000} s`);
        },
      },
      signal,
    );
    try {
      await relay.run();
    } finally {
      const { count, reconnects } = relay;
      const again = reconnects > 0 ? `; ${reconnects} reconnects` : '';
      if (count.some) say(`stopped: ${count.text(performance.now() - begin)}${again}`);
    }
    return ToolExit.done;
  });
}

function retryNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1e9) throw new InvalidArgumentError('It is a whole number from 0 on.');
  return value;
}
