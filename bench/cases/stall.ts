import type { BenchCase } from '../lib/case.ts';
import { pause } from '../lib/children.ts';
import { RunError } from '../lib/errors.ts';
import { deliveredShare } from '../lib/load.ts';
import { measureWindow, requireDelivery } from '../lib/measure.ts';
import { atLeast, atMost } from '../lib/results.ts';
import { residentMegabytes } from '../lib/system.ts';
import { startSluice } from '../servers/index.ts';
import { ALL_BYTES_PERCENT, startPlayers, startPublisher } from './players.ts';

const PLAYERS = 1000;
/** What may wait for a player: small, so that the stalled one reaches it soon. */
const QUEUE = { seconds: 5, bytes: 4 * 1024 * 1024 } as const;
const WINDOW_SECONDS = 10;
/** The stalled player's socket buffers fill up first, then the server's patience runs. */
const LONGEST_STALL_MS = 90_000;
const POLL_MS = 250;
const END_REASON = 'play-stalled';

/** One player that stops reading among 1,000 that read, on a stream of ten times the usual bit rate. */
export const stallCase: BenchCase = {
  name: 'stalled-player',
  title: 'one stalled player among 1,000 (2.5 Mbps stream)',
  quick: false,
  run: async (context) => {
    const server = await startSluice(context, { queue: QUEUE });
    const publisher = await startPublisher(context, server, context.heavyFixture.file);
    if (publisher === undefined) throw new Error('Sluice has a publisher');
    const url = server.rtmpUrl('livestream');
    const players = await startPlayers(context, url, PLAYERS - 1);
    const { pid } = server.child;
    const before = await measureWindow(context, pid, { players, publisher }, WINDOW_SECONDS);
    const stalled = await startPlayers(context, url, 1, '--stall', '1');
    await Promise.all([players.tally(), publisher.tally()]);
    const stalledAt = performance.now();
    let memory = 0;
    while (!server.log().includes(END_REASON)) {
      if (performance.now() - stalledAt > LONGEST_STALL_MS) {
        throw new RunError(
          'not-delivered',
          `a stalled player was not dropped within ${LONGEST_STALL_MS / 1000} s`,
        );
      }
      await pause(POLL_MS);
      memory = Math.max(memory, residentMegabytes(pid));
    }
    const droppedAfter = (performance.now() - stalledAt) / 1000;
    const [others, sent] = await Promise.all([players.tally(), publisher.tally()]);
    await Promise.all([players.stop(), publisher.stop()]);
    const { stalledEnded } = await stalled.stop();
    await server.child.stop();
    const share = deliveredShare(others, sent.bytes);
    requireDelivery('sluice', share.p50);
    return {
      checks: {
        'bytes delivered to the worst of the others': atLeast(share.min * 100, ALL_BYTES_PERCENT, '%'),
        'memory growth': atMost(memory - before.memory, (2 * QUEUE.bytes) / 1e6 + 16, 'MB'),
        [`ended with the reason ${END_REASON}`]: atLeast(stalledEnded, 1, ''),
      },
      figures: {
        sluice: {
          'ended after s': droppedAfter,
          'memory before MB': before.memory,
          'memory max MB': memory,
          'others: delivered %, middle': share.p50 * 100,
          'others: delivered %, worst': share.min * 100,
        },
      },
    };
  },
};
