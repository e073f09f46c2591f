import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import { RunError } from '../lib/errors.ts';
import { deliveredShare, Load } from '../lib/load.ts';
import { measureWindow, requireDelivery } from '../lib/measure.ts';
import { atLeast, atMost } from '../lib/results.ts';
import { median } from '../lib/statistics.ts';
import { type SluiceServer, startSluice } from '../servers/index.ts';
import { ALL_BYTES_PERCENT } from './players.ts';

const VHOSTS = 200;
const PLAYERS = 1000;
const QUICK_PLAYERS = 30;
const RELOADS = 10;
const QUICK_RELOADS = 2;
const JOINS_PER_SECOND = 500;
/** Between two reloads: several flushes of 350 ms. */
const BETWEEN_MS = 1000;
/** Frames of the last flush are on their way when the window ends; a gap in front of them is seen then, s. */
const AFTER_SECONDS = 2;

/** Reloads of a large file, in which every vhost changes, under players whose every frame is numbered. */
export const reloadCase: BenchCase = {
  name: 'reload-200-vhosts',
  title: 'reload of a file with 200 vhosts, each of them changed, under 1,000 players',
  quick: true,
  run: async (context) => {
    const options = (queueSeconds: number): Parameters<SluiceServer['configure']>[0] => ({
      api: true,
      queue: { seconds: queueSeconds, bytes: 4 * 1024 * 1024 },
      // One more and one less by turns: a vhost comes and goes, too.
      vhosts: { count: VHOSTS - 1 + (queueSeconds % 2), queueSeconds },
    });
    const server = await startSluice(context, options(10));
    const clients = context.quick ? QUICK_PLAYERS : PLAYERS;
    const load = new Load(context, [
      ...['latency', server.rtmpUrl('livestream'), '--file', context.fixture.file],
      ...['--clients', String(clients), '--rate', String(JOINS_PER_SECOND), '--timeout', '30'],
    ]);
    await load.ready();
    const quiet = await measureWindow(context, server.child.pid, { load }, AFTER_SECONDS);
    const reloads: { readonly seen: number; readonly told: number }[] = [];
    const began = performance.now();
    for (let count = 1; count <= (context.quick ? QUICK_RELOADS : RELOADS); count++) {
      server.configure(options(10 + count));
      reloads.push(await reload(server));
      await pause(BETWEEN_MS);
    }
    await pause(AFTER_SECONDS * 1000);
    const seconds = (performance.now() - began) / 1000;
    const tally = await load.tally();
    await load.stop();
    await server.child.stop();
    const gone = Object.keys({ ...tally.failed, ...tally.lost });
    if (gone.length > 0) throw new RunError('not-delivered', `players were lost: ${gone.join(', ')}`);
    const share = deliveredShare(tally, (context.fixture.payloadKbps * 1000 * seconds) / 8);
    requireDelivery('sluice', share.p50);
    const seen = reloads.map((one) => one.seen);
    const told = reloads.map((one) => one.told);
    return {
      checks: {
        'longest reload, as the client of the API sees it': atMost(Math.max(...seen), 200, 'ms'),
        'longest reload, as the log tells it': atMost(Math.max(...told), 200, 'ms'),
        'video frames lost by players': atMost(tally.framesLost, 0, ''),
        'bytes delivered to the worst player': atLeast(share.min * 100, ALL_BYTES_PERCENT, '%'),
      },
      figures: {
        sluice: {
          reloads: reloads.length,
          'seen, median ms': median(seen),
          'seen, longest ms': Math.max(...seen),
          'told, median ms': median(told),
          'told, longest ms': Math.max(...told),
          'video frames read': tally.latencyMs.count,
          'video frames lost': tally.framesLost,
          'CPU % before': quiet.cpu,
          'memory MB before': quiet.memory,
        },
      },
    };
  },
};

/** Reloads by the API. @returns from the request to the answer, and what the log tells, ms */
async function reload(server: SluiceServer): Promise<{ seen: number; told: number }> {
  const begin = server.log().length;
  const asked = performance.now();
  const response = await fetch(server.apiUrl('/api/v1/raw?rpc=reload'));
  const body: unknown = await response.json();
  const seen = performance.now() - asked;
  // The log is written in turns of its own.
  await pause(50);
  const told = /configuration reloaded, (\d+) changes, (\d+) ms/.exec(server.log().slice(begin));
  if (!response.ok || told === null || Number(told[1]) < VHOSTS - 1) {
    throw new RunError(
      'not-delivered',
      `a reload answered ${response.status} ${JSON.stringify(body)}; the log: ${server.log().slice(begin).slice(-1000)}`,
    );
  }
  return { seen, told: Number(told[2]) };
}
