import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { LoadRun } from './load-run.ts';
import { TallySchema } from './tally.ts';

const PROGRESS_MS = 500;

/**
 * How a harness steers a load process, one JSON object per line. On stdin: `{"do":"tally"}` and
 * `{"do":"stop"}`; the end of stdin stops the load too, so that no load process outlives its parent.
 */
export const ControlRequest = z.object({ do: z.enum(['tally', 'stop']) });

/** What a load process says on stdout, one JSON object per line. */
export const ControlEvent = z.discriminatedUnion('event', [
  /** Each connection has joined or failed. */
  z.object({ event: z.literal('ready') }),
  /** Nothing is left to do. */
  z.object({ event: z.literal('finished') }),
  z.object({
    event: z.literal('progress'),
    progress: z.object({
      joined: z.number(),
      active: z.number(),
      failed: z.number(),
      lost: z.number(),
      bytes: z.number(),
    }),
  }),
  z.object({ event: z.literal('tally'), tally: TallySchema }),
  /** After `stop`: all connections are closed, and this is the last line. */
  z.object({ event: z.literal('stopped'), tally: TallySchema }),
]);
export type ControlEvent = z.infer<typeof ControlEvent>;

/** Runs a load as its parent says; resolves once it has stopped. */
export async function runControlled(run: LoadRun): Promise<void> {
  const timer = setInterval(() => {
    say({ event: 'progress', progress: run.progress() });
  }, PROGRESS_MS);
  const started = run.start().then(() => {
    say({ event: 'ready' });
  });
  const finished = run.finished.then(() => {
    say({ event: 'finished' });
  });
  // A terminal's Ctrl-C reaches the whole group; the parent then says stop.
  process.on('SIGINT', () => undefined);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = ControlRequest.parse(JSON.parse(line));
    if (request.do === 'stop') break;
    say({ event: 'tally', tally: await run.tally() });
  }
  clearInterval(timer);
  await run.stop();
  await Promise.all([started, finished]);
  say({ event: 'stopped', tally: await run.tally() });
  process.stdin.destroy();
}

function say(event: ControlEvent): void {
  process.stdout.write(JSON.stringify(event) + '\n');
}
