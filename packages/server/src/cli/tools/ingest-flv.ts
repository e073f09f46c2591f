import type { Command } from 'commander';

import { publishTerminal, runPublish, secondsNumber } from '../publish.ts';

interface IngestFlvFlags {
  readonly input: string;
  readonly output: string;
  readonly timeout: number;
  readonly quiet?: true;
}

/** Adds `ingest-flv` to a program: `sluice publish` in the words of SRS's tool. */
export function registerIngestFlvCommand(program: Command): void {
  program
    .command('ingest-flv')
    .description('play an FLV file once to an RTMP server in real time; see publish for more')
    .requiredOption('-i, --input <file>', 'the file')
    .requiredOption('-y, --output <url>', 'what to publish it as')
    .option('--timeout <s>', 'seconds that the server has to answer', secondsNumber, 10)
    .option('-q, --quiet', 'say nothing but errors')
    .action(async ({ input, output, timeout, quiet }: IngestFlvFlags) => {
      const flags = { speed: 1, timeout, ...(quiet === true ? { quiet } : {}) };
      process.exitCode = await runPublish(input, output, flags, publishTerminal());
    });
}
