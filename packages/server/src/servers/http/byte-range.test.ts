import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRange } from './byte-range.ts';

describe('readRange', () => {
  it.each([
    ['bytes=0-0', 10, { start: 0, end: 0 }],
    ['bytes=2-', 10, { start: 2, end: 9 }],
    ['bytes=2-99999999999999999999', 10, { start: 2, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-11', 10, { start: 0, end: 9 }],
    ['Bytes = 1-2 ', 10, { start: 1, end: 2 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-1', 0, 'unsatisfiable'],
    ['bytes=3-2', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=', 10, 'whole'],
    ['bytes=0-1,3-4', 10, 'whole'],
    ['bytes=a-b', 10, 'whole'],
    ['bytes=1.5-2', 10, 'whole'],
    ['bytes=--1', 10, 'whole'],
    ['seconds=1-2', 10, 'whole'],
    ['', 10, 'whole'],
    [undefined, 10, 'whole'],
  ])('%j of %i bytes', (header, size, expected) => {
    expect(readRange(header, size)).toEqual(expected);
  });

  it('stays within the representation, whatever comes', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.nat()).map(([first, last]) => `bytes=${first}-${last}`),
      fc.array(fc.constantFrom('bytes=', '-', ',', '0', '7', '99', ' ')).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(header, fc.nat(200), (text, size) => {
        const range = readRange(text, size);
        if (typeof range === 'object') {
          expect(range.start).toBeGreaterThanOrEqual(0);
          expect(range.end).toBeGreaterThanOrEqual(range.start);
          expect(range.end).toBeLessThan(size);
        }
      }),
    );
  });
});
