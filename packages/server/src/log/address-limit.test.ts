import { describe, expect, it } from 'vitest';

import { AddressLogLimit } from './address-limit.ts';

function setUp(perSecond = 5) {
  const state = { now: 0, perSecond };
  const limit = new AddressLogLimit({ perSecond: () => state.perSecond, now: () => state.now });
  function take(address: string, lines: number): number {
    let taken = 0;
    for (let line = 0; line < lines; line += 1) if (limit.takes(address)) taken += 1;
    return taken;
  }
  return { state, limit, take };
}

describe('the log lines of one address', () => {
  it('G005 may come in a burst, then at their rate, and those left out are counted', () => {
    const { state, limit, take } = setUp();
    expect(take('192.0.2.1', 1_000)).toBe(100);
    expect(take('192.0.2.2', 3)).toBe(3);
    state.now = 1_000;
    expect(take('192.0.2.1', 50)).toBe(5);
    expect(limit.takeSuppressed()).toEqual([]);
    state.now = 10_000;
    expect(limit.takeSuppressed()).toEqual([{ address: '192.0.2.1', lines: 945 }]);
    expect(limit.takeSuppressed(true)).toEqual([]);
    take('192.0.2.1', 100);
    expect(limit.takeSuppressed(true)).toEqual([{ address: '192.0.2.1', lines: 55 }]);
  });

  it('G005 are forgotten when the address is quiet', () => {
    const { state, limit, take } = setUp();
    take('192.0.2.1', 10);
    state.now = 60_000;
    limit.takeSuppressed();
    expect(limit.size).toBe(0);
  });

  it('G005 of more addresses than are remembered share one allowance', () => {
    const { limit, take } = setUp();
    let taken = 0;
    for (let index = 0; index < 30_000; index += 1) taken += take(`10.0.${index >> 8}.${index & 0xff}`, 1);
    expect(limit.size).toBeLessThanOrEqual(10_001);
    expect(taken).toBe(10_000 + 100);
    expect(limit.takeSuppressed(true)).toEqual([{ address: 'other addresses', lines: 19_900 }]);
  });

  it('G005 are all logged with a limit of 0', () => {
    const { take } = setUp(0);
    expect(take('192.0.2.1', 10_000)).toBe(10_000);
  });
});
