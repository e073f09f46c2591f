/**
 * Sluice embedded in a process that measures itself while it works: how late its event loop runs, and how soon
 * a segment is on disk. Needs an IPC channel.
 *
 * Argument: the configuration file. The message `begin` from the parent starts a window; `end` is answered with its
 * figures ({@link SelfFigures}).
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createServer, loadConfig } from 'sluice';
import type { SelfFigures } from './measured.ts';

/** The monitor's timer, ms: the time between two of its turns is this and the delay. */
const RESOLUTION_MS = 10;

const [file = ''] = process.argv.slice(2);
const server = createServer(loadConfig({ file, env: {} }));
const readyMs: number[] = [];
server.onSegment((segment) => {
  readyMs.push(segment.readyMs);
});
await server.start();
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

process.on('message', (message) => {
  if (message === 'begin') {
    delay.reset();
    readyMs.length = 0;
    return;
  }
  const figures: SelfFigures = {
    delayMs: { p50: delayPercentile(50), p99: delayPercentile(99), max: delay.max / 1e6 - RESOLUTION_MS },
    readyMs: [...readyMs],
  };
  process.send?.(figures);
});
process.on('disconnect', () => {
  process.exit();
});

function delayPercentile(percent: number): number {
  return Math.max(0, delay.percentile(percent) / 1e6 - RESOLUTION_MS);
}
