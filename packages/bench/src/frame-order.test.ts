import { describe, expect, it } from 'vitest';
import { FrameOrder, MAX_REMEMBERED_STAMPS } from './frame-order.ts';

describe('FrameOrder', () => {
  it('counts what each player has passed over, from the first frame that it got', () => {
    const order = new FrameOrder();
    for (const stamp of [10, 20, 30, 40, 50]) order.sent(stamp);
    const one = order.follow();
    expect([20, 30, 50].map(one)).toEqual([0, 0, 1]);
    const other = order.follow();
    expect([10, 50, 20].map(other)).toEqual([0, 3, 0]);
  });

  it('knows nothing of stamps that were never sent, or long ago', () => {
    const order = new FrameOrder();
    const player = order.follow();
    for (let stamp = 0; stamp <= MAX_REMEMBERED_STAMPS; stamp++) order.sent(stamp);
    expect([0, -1, 1, 3].map(player)).toEqual([0, 0, 0, 1]);
  });
});
