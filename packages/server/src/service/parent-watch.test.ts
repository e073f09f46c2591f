import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { watchParent } from './parent-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('C007 asprocess', () => {
  it('tells once that the parent is gone', () => {
    let parent = 1234;
    const gone: number[] = [];
    watchParent({ onGone: (pid) => gone.push(pid), parentPid: () => parent });
    vi.advanceTimersByTime(10_000);
    expect(gone).toEqual([]);
    parent = 1;
    vi.advanceTimersByTime(10_000);
    expect(gone).toEqual([1234]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends', () => {
    const end = watchParent({ onGone: () => {} });
    end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
