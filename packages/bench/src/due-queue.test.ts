import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from './due-queue.ts';

describe('DueQueue', () => {
  it('is empty at first', () => {
    const queue = new DueQueue(1);
    expect([queue.size, queue.nextTime, queue.nextItem]).toEqual([0, Infinity, -1]);
    queue.pop();
    queue.reschedule(1);
    expect(queue.size).toBe(0);
  });

  it('refuses more items than it was made for', () => {
    const queue = new DueQueue(1);
    queue.push(1, 0);
    expect(() => {
      queue.push(2, 1);
    }).toThrow(RangeError);
  });

  it('gives items in the order of their times', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 }),
        (times) => {
          const queue = new DueQueue(times.length);
          times.forEach((time, item) => {
            queue.push(time, item);
          });
          const seen: number[] = [];
          while (queue.size > 0) {
            expect(times[queue.nextItem]).toBe(queue.nextTime);
            seen.push(queue.nextTime);
            queue.pop();
          }
          expect(seen).toEqual([...times].sort((one, other) => one - other));
        },
      ),
    );
  });

  it('keeps its order when the first item is given a later time, again and again', () => {
    const queue = new DueQueue(3);
    queue.push(0, 0);
    queue.push(1, 1);
    queue.push(2, 2);
    const order: number[] = [];
    for (let step = 0; step < 9; step++) {
      order.push(queue.nextItem);
      queue.reschedule(queue.nextTime + 3);
    }
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });
});
