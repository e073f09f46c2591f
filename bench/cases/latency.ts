import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { Load } from '../lib/load.ts';
import { pause } from '../lib/children.ts';
import { interleave, measureWindow, SETTLE_MS } from '../lib/measure.ts';
import { atMost, type Check } from '../lib/results.ts';
import { median, pairedRatio, percentileOf } from '../lib/statistics.ts';
import { startServer } from '../servers/index.ts';

const WINDOW_SECONDS = 8;
/** Few messages a second are seen by the compiler late: the servers run for so long before they are measured, ms. */
const WARM_UP_MS = 8000;
const ROUNDS = 3;
const JOINS_PER_SECOND = 500;

interface LatencyMeasure {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly cpu: number;
}

/** From a publisher's write to each player's read, all in one process and so on one clock. */
export function latencyCase(clients: number, quick: boolean): BenchCase {
  return {
    name: `latency-${clients}`,
    title: `latency from a publisher's write to each of ${clients.toLocaleString('en-US')} players' reads, min_latency on`,
    quick,
    run: async (context) => {
      const names = (['sluice', 'nginx-rtmp'] as const).filter((name) => context.peers.has(name));
      const { results, note } = await interleave(context, names, ROUNDS, (name) =>
        measureLatency(context, name, context.quick ? 20 : clients),
      );
      const sluice = results.get('sluice') ?? [];
      const nginx = results.get('nginx-rtmp');
      const checks: Record<string, Check> = {};
      for (const key of ['p50', 'p99'] as const) {
        if (nginx === undefined) continue;
        const ratio = pairedRatio(
          sluice.map((run) => run[key]),
          nginx.map((run) => run[key]),
        );
        checks[`${key} against nginx-rtmp`] = atMost(ratio, 1, '×');
      }
      const figures = Object.fromEntries(
        [...results].map(([name, runs]) => [
          name,
          {
            'p50 ms': median(runs.map((run) => run.p50)),
            'p99 ms': median(runs.map((run) => run.p99)),
            'max ms': Math.max(...runs.map((run) => run.max)),
            'CPU %': median(runs.map((run) => run.cpu)),
          },
        ]),
      );
      return { checks, figures, note };
    },
  };
}

async function measureLatency(
  context: Context,
  name: 'sluice' | 'nginx-rtmp',
  clients: number,
): Promise<LatencyMeasure> {
  const server = await startServer(context, name, { minLatency: true });
  const load = new Load(context, [
    ...['latency', server.rtmpUrl('livestream'), '--file', context.fixture.file],
    ...['--clients', String(clients), '--rate', String(JOINS_PER_SECOND), '--timeout', '30'],
  ]);
  await load.ready();
  const { pid } = server.child;
  if (!context.quick) await pause(WARM_UP_MS);
  const { cpu, tallies } = await measureWindow(context, pid, { load }, WINDOW_SECONDS, SETTLE_MS);
  await load.stop();
  await server.child.stop();
  const { latencyMs } = tallies.load;
  if (latencyMs.count < clients) {
    throw new RunError('not-delivered', `${name} passed on ${latencyMs.count} stamps to ${clients} players`);
  }
  return {
    p50: percentileOf(latencyMs, 0.5),
    p99: percentileOf(latencyMs, 0.99),
    max: latencyMs.max,
    cpu,
  };
}
