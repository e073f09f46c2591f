import { describe, expect, it } from 'vitest';

import { quietLog } from '../log/index.ts';
import { letClientsFinish, pause } from './graceful-stop.ts';

/** A server whose connections at each moment the test says, on a clock that only waiting moves. */
function scene(connectionsAt: (ms: number) => number) {
  let clock = 0;
  let stoppedAt: number | undefined;
  const controller = new AbortController();
  const hurryAt = { ms: Infinity };
  const server = {
    stopListening: async () => {
      stoppedAt = clock;
      return Promise.resolve();
    },
    get connections() {
      return connectionsAt(clock);
    },
  };
  const wait = async (ms: number): Promise<void> => {
    const end = Math.min(clock + ms, Math.max(clock, hurryAt.ms));
    clock = end;
    if (clock >= hurryAt.ms) controller.abort();
    return Promise.resolve();
  };
  const run = async (times: { startWaitMs: number; timeoutMs: number }) => {
    await letClientsFinish(server, {
      log: quietLog(),
      times,
      hurry: controller.signal,
      now: () => clock,
      wait,
    });
    return { stoppedAt, endedAt: clock };
  };
  return { run, hurryAt };
}

describe('G003 a graceful stop', () => {
  it('takes connections for grace_start_wait, then waits for the last one', async () => {
    const { run } = scene((ms) => (ms < 12_345 ? 2 : 0));
    const { stoppedAt, endedAt } = await run({ startWaitMs: 2300, timeoutMs: 60_000 });
    expect(stoppedAt).toBe(2300);
    expect(endedAt).toBeGreaterThanOrEqual(12_345);
    expect(endedAt).toBeLessThan(12_445);
  });

  it('is over at once when there is no connection', async () => {
    expect(await scene(() => 0).run({ startWaitMs: 0, timeoutMs: 60_000 })).toEqual({
      stoppedAt: 0,
      endedAt: 0,
    });
  });

  it('ends with grace_timeout', async () => {
    const { endedAt } = await scene(() => 1).run({ startWaitMs: 50, timeoutMs: 1030 });
    expect(endedAt).toBe(1080);
  });

  it.each([1000, 5000])('ends when somebody is in a hurry, at %i ms', async (ms) => {
    const { run, hurryAt } = scene(() => 1);
    hurryAt.ms = ms;
    const { stoppedAt, endedAt } = await run({ startWaitMs: 2300, timeoutMs: 60_000 });
    expect(endedAt).toBe(ms);
    expect(stoppedAt).toBe(Math.min(ms, 2300));
  });
});

describe('pause', () => {
  it('is cut short, and does not begin when it is too late', async () => {
    const controller = new AbortController();
    const long = pause(60_000, controller.signal);
    controller.abort();
    await long;
    await pause(60_000, controller.signal);
  });
});
