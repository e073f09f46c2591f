import type { BenchCase } from '../lib/case.ts';
import { atMost } from '../lib/results.ts';
import { median } from '../lib/statistics.ts';
import { startSluice } from '../servers/index.ts';

const STARTS = 7;

/** From starting the process to taking connections, built. */
export const startCase: BenchCase = {
  name: 'start',
  title: 'start to listening, built',
  quick: true,
  run: async (context) => {
    const seconds: number[] = [];
    for (let run = 0; run < (context.quick ? 1 : STARTS); run++) {
      // The server's folder and configuration are written in this time too: below a millisecond.
      const before = performance.now();
      const server = await startSluice(context, { http: true });
      seconds.push((performance.now() - before) / 1000);
      await server.child.stop();
    }
    return {
      checks: { 'median start': atMost(median(seconds), 0.6, 's') },
      figures: { sluice: { 'median s': median(seconds), 'longest s': Math.max(...seconds) } },
    };
  },
};
