import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { quietLog } from '../log/index.ts';
import { createServiceManager } from './systemd.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const socket = '/run/systemd/notify';

function managerOf(env: Record<string, string>, fails = false) {
  const told: string[] = [];
  const log = quietLog();
  const warn = vi.spyOn(log, 'warn');
  const manager = createServiceManager({
    log,
    env,
    pid: 7,
    tell: async (words) => {
      told.push(words.join(' '));
      return fails ? Promise.reject(new Error('no such command')) : Promise.resolve();
    },
  });
  return { manager, told, warn };
}

describe('G008 the service manager', () => {
  it.each([{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '1000000' }])('nobody waits: %j', async (env) => {
    const { manager, told } = managerOf(env);
    manager.ready('serving');
    manager.stopping('bye');
    await vi.advanceTimersByTimeAsync(60_000);
    manager.close();
    expect(told).toEqual([]);
  });

  it('is told that the service is ready, and that it stops', async () => {
    const { manager, told } = managerOf({ NOTIFY_SOCKET: socket });
    manager.ready('serving');
    await vi.advanceTimersByTimeAsync(60_000);
    manager.stopping('ending connections');
    manager.close();
    expect(told).toEqual(['READY=1 STATUS=serving', 'STOPPING=1 STATUS=ending connections']);
  });

  it('is told twice in each watchdog time that the event loop turns', async () => {
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' };
    const { manager, told } = managerOf(env);
    manager.ready('serving');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told.slice(1)).toEqual(Array.from({ length: 4 }, () => 'WATCHDOG=1'));
    manager.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    { WATCHDOG_USEC: 'soon' },
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' },
  ])('has no watchdog for this process: %j', async (env) => {
    const { manager, told } = managerOf({ NOTIFY_SOCKET: socket, ...env });
    manager.ready('serving');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveLength(1);
  });

  it('that can not be told is named once', async () => {
    const { manager, told, warn } = managerOf({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000000' }, true);
    manager.ready('serving');
    await vi.advanceTimersByTimeAsync(10_000);
    manager.close();
    expect(told.length).toBeGreaterThan(5);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
