import { describe, expect, it } from 'vitest';
import { TurnBudget } from './turn-budget.ts';

/** The turns of the event loop that begin from now on. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('TurnBudget', () => {
  function setUp() {
    let clock = 0;
    const budget = new TurnBudget(4, () => clock);
    const done: string[] = [];
    const piece = (name: string, ms: number) => (): void => {
      clock += ms;
      done.push(name);
    };
    return { budget, done, piece };
  }

  it('runs at once what fits into the turn, and the rest in the next turns, first come, first served', async () => {
    const { budget, done, piece } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) budget.run(piece(name, 2));
    expect(done).toEqual(['a', 'b']);
    expect(budget.isFree).toBe(false);
    await nextTurn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await nextTurn();
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await nextTurn();
    expect(budget.isFree).toBe(true);
  });

  it('a piece that asks for more waits behind the others', async () => {
    const { budget, done, piece } = setUp();
    budget.run(() => {
      budget.run(piece('again', 3));
      budget.run(piece('other', 3));
    });
    expect(done).toEqual([]);
    await nextTurn();
    expect(done).toEqual(['again', 'other']);
  });

  it('a piece that fails takes nothing from the others', async () => {
    const { budget, done, piece } = setUp();
    expect(() => {
      budget.run(() => {
        throw new Error('broken');
      });
    }).toThrow('broken');
    budget.run(piece('a', 9));
    const gone = piece('gone', 1);
    budget.run(gone);
    budget.run(piece('b', 1));
    budget.cancel(gone);
    expect(budget.waiting).toBe(1);
    await nextTurn();
    expect(done).toEqual(['a', 'b']);
  });
});
