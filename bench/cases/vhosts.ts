import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { interleave } from '../lib/measure.ts';
import { atMost, type Figures } from '../lib/results.ts';
import { median } from '../lib/statistics.ts';
import { residentMegabytes } from '../lib/system.ts';
import { startSluice } from '../servers/index.ts';

const VHOSTS = 1000;
const QUICK_VHOSTS = 50;
const ROUNDS = 5;
/** What the start has left behind is collected, or is not, by then, ms. */
const SETTLE_MS = 2000;
const QUEUE_SECONDS = 10;

interface Measure {
  readonly start: number;
  readonly memory: number;
}

/** What many vhosts cost at start, and then. */
export const vhostsCase: BenchCase = {
  name: 'vhosts-1000',
  title: 'start with 1,000 vhosts, each with sections of its own',
  quick: true,
  run: async (context) => {
    const many = context.quick ? QUICK_VHOSTS : VHOSTS;
    const counts = { 'sluice, 1,000 vhosts': many, 'sluice, one vhost': 1 } as const;
    const names = Object.keys(counts) as (keyof typeof counts)[];
    const { results, note } = await interleave(context, names, ROUNDS, (name) =>
      measureStart(context, counts[name]),
    );
    const pick = (name: keyof typeof counts, key: keyof Measure): number[] =>
      (results.get(name) ?? []).map((run) => run[key]);
    const more = median(pick('sluice, 1,000 vhosts', 'memory')) - median(pick('sluice, one vhost', 'memory'));
    return {
      checks: {
        'median start': atMost(median(pick('sluice, 1,000 vhosts', 'start')), 1.5, 's'),
        'memory more than with one vhost': atMost(more, 30, 'MB'),
      },
      figures: Object.fromEntries([...results].map(([name, runs]) => [name, figures(runs)])),
      note,
    };
  },
};

/** @param vhosts in all, with the one that every server has */
async function measureStart(context: Context, vhosts: number): Promise<Measure> {
  const before = performance.now();
  const server = await startSluice(context, {
    http: true,
    vhosts: { count: vhosts - 1, queueSeconds: QUEUE_SECONDS },
  });
  const start = (performance.now() - before) / 1000;
  if (!context.quick) await pause(SETTLE_MS);
  const memory = residentMegabytes(server.child.pid);
  await server.child.stop();
  return { start, memory };
}

function figures(runs: readonly Measure[]): Figures {
  return {
    'median start s': median(runs.map((run) => run.start)),
    'longest start s': Math.max(...runs.map((run) => run.start)),
    'memory MB': median(runs.map((run) => run.memory)),
  };
}
