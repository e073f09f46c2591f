import type { Tally } from '@sluice/bench';
import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { Load } from '../lib/load.ts';
import { measureWindow } from '../lib/measure.ts';
import { atMost, type Figures } from '../lib/results.ts';
import { median, percentileOf } from '../lib/statistics.ts';
import { type MeasuredServer, type SelfFigures, startMeasured } from '../servers/index.ts';
import { startPlayers, startPublisher } from './players.ts';

const PLAYERS = 4000;
const QUICK_PLAYERS = 50;
const COUNT = 100;
/** 20 requests a second in all: two dozen consoles, each of which shows a page anew every second. */
const CONNECTIONS = 4;
const INTERVAL_MS = 200;
const WINDOW_SECONDS = 20;
const PAIRS = 2;
/** Delays that are apart by less can't be told apart: the monitor's timer itself has so much play, ms. */
const UNMOVED_MS = 1;

interface Measure {
  readonly cpu: number;
  readonly self: SelfFigures;
  readonly answers: Tally | undefined;
}

/** A page of clients out of thousands that play, and what asking for it does to the event loop. */
export const apiClientsCase: BenchCase = {
  name: 'api-clients-4000',
  title: '/api/v1/clients?count=100 while 4,000 play, 20 requests a second',
  quick: true,
  run: async (context) => {
    const server = await startMeasured(context, { api: true });
    const publisher = await startPublisher(context, server);
    const players = await startPlayers(
      context,
      server.rtmpUrl('livestream'),
      context.quick ? QUICK_PLAYERS : PLAYERS,
    );
    const without: Measure[] = [];
    const asked: Measure[] = [];
    for (let pair = 1; pair <= (context.quick ? 1 : PAIRS); pair++) {
      if (!context.quick) context.say(`  with and without requests, run ${pair} of ${PAIRS}`);
      without.push(await measure(context, server, undefined));
      const requests = new Load(context, [
        ...['fetch', server.apiUrl(`/api/v1/clients?count=${COUNT}`)],
        ...['--clients', String(CONNECTIONS), '--interval', String(INTERVAL_MS)],
        // Spread over the interval, so that no two ask at the same time.
        ...['--rate', String((CONNECTIONS * 1000) / INTERVAL_MS)],
      ]);
      await requests.ready();
      asked.push(await measure(context, server, requests));
      await requests.stop();
    }
    await Promise.all([players.stop(), publisher?.stop()]);
    await server.child.stop();
    const p99 = Math.max(...asked.map(({ answers }) => answerMs(answers, 0.99)));
    const moved = median(
      asked.map(({ self }, index) => self.delayMs.p99 - (without[index]?.self.delayMs.p99 ?? NaN)),
    );
    return {
      checks: {
        'answered after, p99': atMost(p99, 10, 'ms'),
        'event loop delay, p99, more than without requests': atMost(moved, UNMOVED_MS, 'ms'),
      },
      figures: {
        'sluice, no requests': figures(without),
        'sluice, 20 requests a second': {
          ...figures(asked),
          'answers a second': median(
            asked.map(({ answers }) => (answers?.messages ?? NaN) / (answers?.seconds ?? NaN)),
          ),
          'bytes an answer': median(
            asked.map(({ answers }) => (answers?.bytes ?? NaN) / (answers?.messages ?? NaN)),
          ),
          'answered after p50 ms': median(asked.map(({ answers }) => answerMs(answers, 0.5))),
          'answered after p99 ms': p99,
          'answered after max ms': Math.max(...asked.map(({ answers }) => answers?.latencyMs.max ?? NaN)),
        },
      },
    };
  },
};

async function measure(
  context: Context,
  server: MeasuredServer,
  requests: Load | undefined,
): Promise<Measure> {
  const loads: Record<string, Load> = requests === undefined ? {} : { requests };
  server.begin();
  const { cpu, tallies } = await measureWindow(context, server.child.pid, loads, WINDOW_SECONDS);
  const self = await server.end();
  const answers = tallies['requests'];
  const problems = Object.keys({ ...answers?.failed, ...answers?.lost });
  if (problems.length > 0 || answers?.messages === 0) {
    throw new RunError('not-delivered', `the API did not answer: ${problems.join(', ')}`);
  }
  return { cpu, self, answers };
}

function answerMs(answers: Tally | undefined, share: number): number {
  return answers === undefined ? NaN : percentileOf(answers.latencyMs, share);
}

function figures(runs: readonly Measure[]): Figures {
  const delay = (key: 'p50' | 'p99'): number => median(runs.map(({ self }) => self.delayMs[key]));
  return {
    'CPU %': median(runs.map((run) => run.cpu)),
    'event loop delay p50 ms': delay('p50'),
    'event loop delay p99 ms': delay('p99'),
    'event loop delay max ms': Math.max(...runs.map(({ self }) => self.delayMs.max)),
  };
}
