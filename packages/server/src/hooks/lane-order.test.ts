import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LaneOrder, type OrderedStep } from './lane-order.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function scene() {
  const begun: string[] = [];
  const open = new Map<string, () => void>();
  const order = new LaneOrder();
  const step = (name: string, limitMs = 1000): OrderedStep => ({
    limitMs,
    run: (done) => {
      begun.push(name);
      open.set(name, done);
    },
  });
  return { begun, order, step, finish: (name: string) => open.get(name)?.() };
}

describe('LaneOrder', () => {
  it('K008 a step begins when the one before it is done; lanes go side by side', () => {
    const { begun, order, step, finish } = scene();
    order.add('a', step('a1'));
    order.add('a', step('a2'));
    order.add('b', step('b1'));
    expect([begun, order.waiting]).toEqual([['a1', 'b1'], 1]);
    finish('a1');
    finish('a1');
    expect([begun, order.waiting]).toEqual([['a1', 'b1', 'a2'], 0]);
    finish('a2');
    order.add('a', step('a3'));
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('K008 a step that takes too long is no longer waited for', () => {
    const { begun, order, step, finish } = scene();
    for (const name of ['1', '2', '3']) order.add('a', step(name));
    vi.advanceTimersByTime(999);
    expect(begun).toEqual(['1']);
    vi.advanceTimersByTime(1);
    expect(begun).toEqual(['1', '2']);
    finish('1');
    expect(begun).toEqual(['1', '2']);
    finish('2');
    expect(begun).toEqual(['1', '2', '3']);
  });

  it('K008 any number of steps may be done at once', () => {
    const { order, step, finish } = scene();
    let count = 0;
    order.add('a', step('first'));
    for (let index = 0; index < 100_000; index += 1) {
      order.add('a', {
        limitMs: 1000,
        run: (done) => {
          count += 1;
          done();
        },
      });
    }
    finish('first');
    expect([count, order.waiting, vi.getTimerCount()]).toEqual([100_000, 0, 0]);
  });

  it('K008 at its end everything begins', () => {
    const { begun, order, step, finish } = scene();
    for (const name of ['1', '2', '3']) order.add('a', step(name));
    order.close();
    expect(begun).toEqual(['1', '2', '3']);
    finish('1');
    order.add('a', step('4'));
    expect([begun, order.waiting]).toEqual([['1', '2', '3', '4'], 0]);
  });
});
