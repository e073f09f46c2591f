import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import type { Context } from '../lib/context.ts';
import { RunError } from '../lib/errors.ts';
import { deliveredShare, Load } from '../lib/load.ts';
import { measureWindow, requireDelivery } from '../lib/measure.ts';
import { atLeast, atMost, type Figures } from '../lib/results.ts';
import { median, pairedRatio } from '../lib/statistics.ts';
import { type SluiceOptions, startCallbackServer, startSluice } from '../servers/index.ts';
import { ALL_BYTES_PERCENT, startPlayers, startPublisher } from './players.ts';

const PLAYERS = 4000;
const QUICK_PLAYERS = 50;
/** So many viewers come and go meanwhile: of 4,000, each would stay for some half an hour. */
const CHURN_PER_SECOND = 2;
const WINDOW_SECONDS = 10;
/** Pairs of windows; in each second one the order is the other way round, so that what drifts meets both alike. */
const PAIRS = 4;
/** How often the exporter is read and the summary of the API asked for: once in a window, and more often than Prometheus does. */
const READ_EVERY_MS = 10_000;
const EVENTS = ['on_connect', 'on_close', 'on_publish', 'on_unpublish', 'on_play', 'on_stop'];

type Side = 'sluice, observed' | 'sluice, alone';

interface Measure {
  readonly cpu: number;
  readonly loadCpu: number;
  readonly memory: number;
  readonly worst: number;
  readonly callbacks: number;
}

/**
 * What it costs to be observed: the API, the exporter and callbacks are switched on and off by reloads under the same
 * players, so that both sides are one process with one history.
 */
export const observedCase: BenchCase = {
  name: 'observed-4000',
  title: '4,000 RTMP players with API, exporter and callbacks, against the same players without',
  quick: true,
  run: async (context) => {
    const callbacks = await startCallbackServer(context);
    const observed: SluiceOptions = {
      api: true,
      exporter: true,
      hooks: { url: callbacks.url, events: EVENTS },
    };
    const server = await startSluice(context, observed);
    const publisher = await startPublisher(context, server);
    if (publisher === undefined) throw new Error('Sluice has a publisher');
    const url = server.rtmpUrl('livestream');
    const clients = context.quick ? QUICK_PLAYERS : PLAYERS;
    const players = await startPlayers(context, url, clients);
    // Not awaited: it goes on until the end.
    const churn = new Load(context, [
      ...['play', url, '--rounds', '1000000', '--clients', '100', '--rate', String(CHURN_PER_SECOND)],
    ]);
    const results: Record<Side, Measure[]> = { 'sluice, observed': [], 'sluice, alone': [] };
    for (const side of order(context)) {
      if (!context.quick) context.say(`  ${side}, run ${results[side].length + 1} of ${PAIRS}`);
      const isObserved = side === 'sluice, observed';
      server.configure(isObserved ? observed : {});
      await server.reload();
      const before = (await callbacks.counts()).requests;
      const reading = isObserved
        ? readAgainAndAgain([server.metricsUrl, server.apiUrl('/api/v1/summaries')])
        : undefined;
      const window = await measureWindow(
        context,
        server.child.pid,
        { players, publisher, churn },
        WINDOW_SECONDS,
      );
      await reading?.stop();
      const { tallies, cpu, loadCpu, memory, seconds } = window;
      const lost = Object.keys({ ...tallies.players.lost, ...tallies.churn.failed });
      if (lost.length > 0) throw new RunError('not-delivered', `${side} lost players: ${lost.join(', ')}`);
      const share = deliveredShare(tallies.players, tallies.publisher.bytes);
      requireDelivery(side, share.p50);
      results[side].push({
        cpu,
        loadCpu,
        memory,
        worst: share.min * 100,
        callbacks: ((await callbacks.counts()).requests - before) / seconds,
      });
    }
    await Promise.all([players, publisher, churn].map((load) => load.stop()));
    await Promise.all([server.child.stop(), callbacks.child.stop()]);
    const cpus = (side: Side): number[] => results[side].map((run) => run.cpu);
    const observedRuns = results['sluice, observed'];
    if (observedRuns.every((run) => run.callbacks === 0)) {
      throw new RunError('not-delivered', 'the callback server was never asked');
    }
    return {
      checks: {
        'CPU against the same without': atMost(
          pairedRatio(cpus('sluice, observed'), cpus('sluice, alone')),
          1.05,
          '×',
        ),
        'bytes delivered to the worst player': atLeast(
          Math.min(...observedRuns.map((run) => run.worst)),
          ALL_BYTES_PERCENT,
          '%',
        ),
      },
      figures: Object.fromEntries(Object.entries(results).map(([side, runs]) => [side, figures(runs)])),
    };
  },
};

/** A B, B A, A B … */
function order(context: Context): Side[] {
  const pair: readonly Side[] = ['sluice, observed', 'sluice, alone'];
  return Array.from({ length: context.quick ? 1 : PAIRS }, (_, index) =>
    index % 2 === 0 ? pair : pair.toReversed(),
  ).flat();
}

/** Reads these addresses at steady times until it is stopped. */
function readAgainAndAgain(urls: readonly string[]): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const reading = (async () => {
    while (!stopping.signal.aborted) {
      for (const url of urls) {
        const response = await fetch(url);
        await response.arrayBuffer();
        if (!response.ok) throw new RunError('not-delivered', `${url} answers ${response.status}`);
      }
      await Promise.race([pause(READ_EVERY_MS), aborted(stopping.signal)]);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await reading;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

function figures(runs: readonly Measure[]): Figures {
  return {
    'CPU %': median(runs.map((run) => run.cpu)),
    'memory MB': median(runs.map((run) => run.memory)),
    'callbacks a second': median(runs.map((run) => run.callbacks)),
    'delivered %, worst': Math.min(...runs.map((run) => run.worst)),
    'loads CPU %': median(runs.map((run) => run.loadCpu)),
  };
}
