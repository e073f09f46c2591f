import { describe, expect, it } from 'vitest';
import { Reused } from './reused.ts';

describe('Reused', () => {
  function setUp(cost: number) {
    const state = { clock: 0, made: 0 };
    const reused = new Reused(
      () => {
        state.clock += cost;
        state.made += 1;
        return state.made;
      },
      () => state.clock,
    );
    return { state, reused };
  }

  it('works out each time what is cheap', () => {
    const { reused } = setUp(0.9);
    expect([reused.get(), reused.get(), reused.get()]).toEqual([1, 2, 3]);
  });

  it('uses what is expensive for twenty times as long as it took', () => {
    const { reused, state } = setUp(10);
    expect([reused.get(), reused.get()]).toEqual([1, 1]);
    state.clock += 199;
    expect(reused.get()).toBe(1);
    state.clock += 1;
    expect(reused.get()).toBe(2);
  });
});
