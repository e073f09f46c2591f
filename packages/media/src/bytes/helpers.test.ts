import { describe, expect, it } from 'vitest';

import { copyBytes } from './helpers.ts';

describe('copyBytes', () => {
  it('copies, also what is a Node Buffer, whose slice() is a view', () => {
    const buffer = Buffer.from([1, 2, 3]);
    const copy = copyBytes(buffer.subarray(1));
    buffer.fill(9);
    expect([...copy]).toEqual([2, 3]);
  });
});
