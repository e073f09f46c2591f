import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchCase, CaseOutcome } from '../lib/case.ts';
import { type Child, freePort, pause } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { Load } from '../lib/load.ts';
import { atMost } from '../lib/results.ts';
import { residentMegabytes } from '../lib/system.ts';

const ROUNDS = 10_000;
const QUICK_ROUNDS = 100;
const ROUNDS_PER_SECOND = 1000;
const AT_ONCE = 100;
/** The last connections' ends reach the server within this time, ms. */
const LAST_ENDS_MS = 1000;

/** Publish and leave, again and again, each time another stream: nothing may stay behind. */
export const publishRoundsCase: BenchCase = {
  name: 'rounds-publish',
  title: '10,000 publish-and-leave rounds',
  quick: true,
  run: (context) =>
    measureRounds(context, (base) => [
      ...['publish', `${base}/round{n}`, '--file', context.fixture.file, '--rounds', String(rounds(context))],
    ]),
};

/** Join, see a keyframe and leave, again and again. */
export const playRoundsCase: BenchCase = {
  name: 'rounds-play',
  title: '10,000 join-and-leave rounds',
  quick: true,
  run: (context) =>
    measureRounds(
      context,
      (base) => ['play', `${base}/livestream`, '--rounds', String(rounds(context))],
      true,
    ),
};

function rounds(context: Context): number {
  return context.quick ? QUICK_ROUNDS : ROUNDS;
}

async function measureRounds(
  context: Context,
  loadArguments: (base: string) => string[],
  withPublisher = false,
): Promise<CaseOutcome> {
  const port = await freePort();
  const script = fileURLToPath(new URL('../servers/heap-server.ts', import.meta.url));
  const args = ['--expose-gc', '--import', 'tsx', script, String(port)];
  const server = context.children.spawn(process.execPath, args, context.cores?.server, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  await server.listening(port);
  const base = `rtmp://127.0.0.1:${port}/live`;
  const start = await heapMegabytes(server);
  const publisher = withPublisher
    ? new Load(context, ['publish', `${base}/livestream`, '--file', context.fixture.file])
    : undefined;
  await publisher?.ready();
  const load = new Load(context, [
    ...loadArguments(base),
    ...['--clients', String(AT_ONCE), '--rate', String(ROUNDS_PER_SECOND), '--timeout', '30'],
  ]);
  await load.ready();
  await Promise.all([load.stop(), publisher?.stop()]);
  await pause(LAST_ENDS_MS);
  const end = await heapMegabytes(server);
  const memory = residentMegabytes(server.pid);
  await server.stop();
  return {
    checks: { 'heap growth after garbage collection': atMost(end - start, 10, 'MB') },
    figures: { sluice: { 'heap before MB': start, 'heap after MB': end, 'memory after MB': memory } },
  };
}

async function heapMegabytes(server: Child): Promise<number> {
  const answer = once(server.process, 'message');
  server.process.send('heap');
  const [bytes] = (await answer) as unknown[];
  if (typeof bytes !== 'number') throw new RunError('server-failed', 'the server did not tell its heap size');
  return bytes / 1e6;
}
