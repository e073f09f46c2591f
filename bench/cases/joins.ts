import type { BenchCase } from '../lib/case.ts';
import type { Context } from '../lib/context.ts';
import { Load } from '../lib/load.ts';
import { interleave } from '../lib/measure.ts';
import { atMost } from '../lib/results.ts';
import { median, percentileOf } from '../lib/statistics.ts';
import { startServer } from '../servers/index.ts';
import { startPlayers, startPublisher } from './players.ts';

const WATCHERS = 1000;
const JOINS = 300;
const JOINS_PER_SECOND = 40;
/** Without a GOP cache a join lasts up to the keyframe interval: enough at once to keep the pace. */
const JOINS_AT_ONCE = 100;

/** How long a player that joins waits for its first keyframe while others watch. */
export const joinCase: BenchCase = {
  name: 'join-keyframe',
  title: "a joining player's first keyframe while 1,000 others watch",
  quick: true,
  run: async (context) => {
    const names = (['sluice', 'nginx-rtmp'] as const).filter((name) => context.peers.has(name));
    const { results, note } = await interleave(context, names, 1, (name) => measureJoins(context, name));
    const figures = Object.fromEntries(
      [...results].map(([name, runs]) => [
        name,
        {
          'p50 ms': median(runs.map((run) => run.p50)),
          'p99 ms': median(runs.map((run) => run.p99)),
          'max ms': Math.max(...runs.map((run) => run.max)),
        },
      ]),
    );
    return { checks: { p99: atMost(figures['sluice']?.['p99 ms'] ?? NaN, 10, 'ms') }, figures, note };
  },
};

async function measureJoins(
  context: Context,
  name: 'sluice' | 'nginx-rtmp',
): Promise<{ p50: number; p99: number; max: number }> {
  const server = await startServer(context, name);
  const publisher = await startPublisher(context, server);
  const url = server.rtmpUrl('livestream');
  const watchers = await startPlayers(context, url, context.quick ? 20 : WATCHERS);
  const joins = new Load(context, [
    ...['play', url, '--rounds', String(context.quick ? 10 : JOINS), '--clients', String(JOINS_AT_ONCE)],
    ...['--rate', String(JOINS_PER_SECOND)],
  ]);
  const { firstKeyframeMs } = await joins.ready();
  await Promise.all([joins.stop(), watchers.stop(), publisher?.stop()]);
  await server.child.stop();
  return {
    p50: percentileOf(firstKeyframeMs, 0.5),
    p99: percentileOf(firstKeyframeMs, 0.99),
    max: firstKeyframeMs.max,
  };
}
