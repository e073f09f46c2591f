import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import { deliveredShare, Load } from '../lib/load.ts';
import { measureWindow, requireDelivery } from '../lib/measure.ts';
import { atLeast, atMost } from '../lib/results.ts';
import { percentileOf } from '../lib/statistics.ts';
import { cpuMilliseconds } from '../lib/system.ts';
import { startSluice } from '../servers/index.ts';
import { ALL_BYTES_PERCENT, startPublisher } from './players.ts';

const CLIENTS = 16_000;
const QUICK_CLIENTS = 200;
const JOINS_PER_SECOND = 1000;
const WINDOW_SECONDS = 16;
const SAMPLE_MS = 1000;
/** CPU while joining may be this much above what half as many players promise. */
const IN_LINE_RATIO = 1.25;

interface Sample {
  readonly players: number;
  readonly cpu: number;
}

/** 1,000 joins a second up to 16,000 players, and then all of them for a while. */
export const rampCase: BenchCase = {
  name: 'players-16000',
  title: '16,000 RTMP players on one process, joining 1,000 a second',
  quick: true,
  run: async (context) => {
    const clients = context.quick ? QUICK_CLIENTS : CLIENTS;
    const server = await startSluice(context);
    const publisher = await startPublisher(context, server);
    if (publisher === undefined) throw new Error('Sluice has a publisher');
    const { pid } = server.child;
    const players = new Load(context, [
      ...['play', server.rtmpUrl('livestream'), '--clients', String(clients)],
      ...['--rate', String(JOINS_PER_SECOND), '--timeout', '30'],
    ]);
    const samples: Sample[] = [];
    const sampling = new AbortController();
    const sampled = sample(pid, players, samples, sampling.signal);
    const joining = await players.ready();
    sampling.abort();
    await sampled;
    const window = await measureWindow(context, pid, { players, publisher }, WINDOW_SECONDS);
    await Promise.all([players.stop(), publisher.stop()]);
    await server.child.stop();

    const share = deliveredShare(window.tallies.players, window.tallies.publisher.bytes);
    requireDelivery('sluice', share.p50);
    const half = near(samples, clients / 2);
    const full = near(samples, clients);
    const keyframes = joining.firstKeyframeMs;
    return {
      checks: {
        'bytes delivered to the worst player': atLeast(share.min * 100, ALL_BYTES_PERCENT, '%'),
        CPU: atMost(window.cpu, 50, '%'),
        memory: atMost(window.memory, 250, 'MB'),
        'longest wait for the first keyframe': atMost(keyframes.max, 200, 'ms'),
        'CPU while joining, of all against twice that of half': atMost(
          full.cpu / (2 * half.cpu),
          IN_LINE_RATIO,
          '×',
        ),
      },
      figures: {
        sluice: {
          'CPU %': window.cpu,
          'memory MB': window.memory,
          'delivered %, middle': share.p50 * 100,
          'delivered %, worst': share.min * 100,
          Gbps: (window.tallies.players.bytes * 8) / window.seconds / 1e9,
        },
        'sluice, while joining': {
          'CPU % at half': half.cpu,
          'CPU % at the end': full.cpu,
          'first keyframe p50 ms': percentileOf(keyframes, 0.5),
          'first keyframe p99 ms': percentileOf(keyframes, 0.99),
          'first keyframe max ms': keyframes.max,
        },
      },
    };
  },
};

/** Takes a sample of players and CPU every second until told to stop. */
async function sample(pid: number, players: Load, samples: Sample[], signal: AbortSignal): Promise<void> {
  let cpu = cpuMilliseconds(pid);
  let time = performance.now();
  while (!signal.aborted) {
    await pause(SAMPLE_MS);
    const nextCpu = cpuMilliseconds(pid);
    const nextTime = performance.now();
    samples.push({ players: players.active, cpu: ((nextCpu - cpu) / (nextTime - time)) * 100 });
    cpu = nextCpu;
    time = nextTime;
  }
}

function near(samples: readonly Sample[], players: number): Sample {
  const distance = (sample: Sample): number => Math.abs(sample.players - players);
  return samples.reduce((best, sample) => (distance(sample) < distance(best) ? sample : best), {
    players: Infinity,
    cpu: NaN,
  });
}
