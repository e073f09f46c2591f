import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { Load } from '../lib/load.ts';
import { interleave, joinNotes } from '../lib/measure.ts';
import { atLeast, atMost, type Figures } from '../lib/results.ts';
import { median, percentileOf } from '../lib/statistics.ts';
import { cpuMilliseconds, residentMegabytes } from '../lib/system.ts';
import { CALLBACK_DELAY_MS, startCallbackServer, startSluice } from '../servers/index.ts';
import { startPublisher } from './players.ts';

const CONNECTS = 20_000;
const CONNECTS_PER_SECOND = 2000;
const QUICK_CONNECTS = 200;
/** At once: far more than there are when all are served in time, so that a slow server does not slow the load. */
const AT_ONCE = 9000;
/** The compiler and the kept connections to the callback server are there before the count begins. */
const WARM_UP_CONNECTS = 4000;
const ROUNDS = 3;
/** Above this the load client's core is the limit: what is late may be late in the load client. */
const FULL_LOAD_PERCENT = 90;

interface Measure {
  readonly served: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly loadCpu: number;
  readonly callbackCpu: number;
  readonly memory: number;
  readonly mostWaiting: number;
}

/** Players that come 2,000 a second, each after two questions to a callback server, and leave at their first keyframe. */
export const connectsCase: BenchCase = {
  name: 'connects-callbacks',
  title: `2,000 connects a second for 10 s, on_connect and on_play answered after ${CALLBACK_DELAY_MS} ms`,
  quick: true,
  run: async (context) => {
    const { results, note } = await interleave(
      context,
      ['sluice, with callbacks', 'sluice, without'] as const,
      ROUNDS,
      (name) => measureConnects(context, name === 'sluice, with callbacks'),
    );
    const runs = results.get('sluice, with callbacks') ?? [];
    const connects = connectsOf(context);
    const full = median(runs.map((run) => run.loadCpu + run.callbackCpu)) > FULL_LOAD_PERCENT;
    return {
      checks: {
        served: atLeast(Math.min(...runs.map((run) => run.served)), connects, ''),
        'first media byte, p99': atMost(median(runs.map((run) => run.p99)), 100, 'ms'),
      },
      figures: Object.fromEntries([...results].map(([name, all]) => [name, figures(all)])),
      note: joinNotes(
        note,
        full
          ? 'The core of the load client and the callback server is full: part of the delay is theirs.'
          : '',
      ),
    };
  },
};

function connectsOf(context: Context): number {
  return context.quick ? QUICK_CONNECTS : CONNECTS;
}

async function measureConnects(context: Context, withCallbacks: boolean): Promise<Measure> {
  const callbacks = await startCallbackServer(context);
  const hooks = { url: callbacks.url, events: ['on_connect', 'on_play'] };
  const server = await startSluice(context, withCallbacks ? { hooks } : {});
  const publisher = await startPublisher(context, server);
  const { pid } = server.child;
  const arrive = (connects: number): Load =>
    new Load(context, [
      ...['play', server.rtmpUrl('livestream'), '--rounds', String(connects), '--clients', String(AT_ONCE)],
      ...['--rate', String(CONNECTS_PER_SECOND), '--timeout', '30'],
    ]);
  if (!context.quick) {
    const warmUp = arrive(WARM_UP_CONNECTS);
    await warmUp.joined();
    await warmUp.stop();
  }
  const askedBefore = (await callbacks.counts()).requests;
  const load = arrive(connectsOf(context));
  const cpus = (): number[] => [pid, load.pid, callbacks.child.pid].map(cpuMilliseconds);
  const before = cpus();
  const tally = await load.joined();
  const after = cpus();
  const { seconds } = tally;
  const [cpu = NaN, loads = NaN, callback = NaN] = after.map(
    (value, index) => (value - (before[index] ?? NaN)) / (seconds * 10),
  );
  const { requests, mostWaiting } = await callbacks.counts();
  const memory = residentMegabytes(pid);
  await Promise.all([load.stop(), publisher?.stop()]);
  await Promise.all([server.child.stop(), callbacks.child.stop()]);
  const questions = withCallbacks ? 2 * tally.joined : 0;
  if (requests - askedBefore < questions) {
    throw new RunError('not-delivered', `${requests - askedBefore} callbacks for ${tally.joined} players`);
  }
  return {
    served: tally.joined,
    p50: percentileOf(tally.firstMediaMs, 0.5),
    p99: percentileOf(tally.firstMediaMs, 0.99),
    max: tally.firstMediaMs.max,
    seconds,
    cpu,
    loadCpu: loads,
    callbackCpu: callback,
    memory,
    mostWaiting,
  };
}

function figures(runs: readonly Measure[]): Figures {
  const middle = (key: keyof Measure): number => median(runs.map((run) => run[key]));
  return {
    served: Math.min(...runs.map((run) => run.served)),
    'in s': middle('seconds'),
    'first media p50 ms': middle('p50'),
    'first media p99 ms': middle('p99'),
    'first media max ms': Math.max(...runs.map((run) => run.max)),
    'CPU %': middle('cpu'),
    'memory MB': middle('memory'),
    'callbacks at once': middle('mostWaiting'),
    'loads CPU %': middle('loadCpu'),
    'callback server CPU %': middle('callbackCpu'),
  };
}
