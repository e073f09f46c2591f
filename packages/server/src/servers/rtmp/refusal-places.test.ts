import { describe, expect, it } from 'vitest';

import { RefusalPlaces } from './refusal-places.ts';

describe('RefusalPlaces', () => {
  it('R002 has 16 places at once, which are given back', () => {
    const places = new RefusalPlaces();
    const taken = Array.from({ length: 20 }, () => places.take(0));
    expect(taken.filter((had) => had)).toHaveLength(16);
    places.release();
    expect([places.take(1), places.take(1)]).toEqual([true, false]);
  });

  it('R002 lets in 20 a second', () => {
    const places = new RefusalPlaces();
    const takeAndRelease = (now: number): boolean => {
      const had = places.take(now);
      if (had) places.release();
      return had;
    };
    const first = Array.from({ length: 30 }, () => takeAndRelease(500));
    expect(first.filter((had) => had)).toHaveLength(20);
    expect(takeAndRelease(999)).toBe(false);
    expect(takeAndRelease(1000)).toBe(true);
  });
});
