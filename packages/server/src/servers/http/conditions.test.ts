import { describe, expect, it } from 'vitest';
import { evaluateConditions, rangeApplies } from './conditions.ts';

const modified = Date.UTC(2026, 10, 3, 4, 5, 6, 789);
const validators = { etag: '"v1"', lastModifiedMs: modified };
const weak = { etag: 'W/"v1"', lastModifiedMs: undefined };
const SAME = 'Tue, 03 Nov 2026 04:05:06 GMT';
const BEFORE = 'Tue, 03 Nov 2026 04:05:05 GMT';

describe('evaluateConditions', () => {
  it.each([
    [{}, 'send'],
    [{ 'if-none-match': '"v1"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"v1"' }, 'not-modified'],
    [{ 'if-none-match': '"v0", "v1"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"v2"' }, 'send'],
    [{ 'if-none-match': 'v1' }, 'send'],
    [{ 'if-modified-since': SAME }, 'not-modified'],
    [{ 'if-modified-since': BEFORE }, 'send'],
    [{ 'if-modified-since': 'not a date' }, 'send'],
    [{ 'if-none-match': '"v2"', 'if-modified-since': SAME }, 'send'],
    [{ 'if-match': '"v1"' }, 'send'],
    [{ 'if-match': '*' }, 'send'],
    [{ 'if-match': 'W/"v1"' }, 'failed'],
    [{ 'if-match': '"v2"' }, 'failed'],
    [{ 'if-unmodified-since': SAME }, 'send'],
    [{ 'if-unmodified-since': BEFORE }, 'failed'],
    [{ 'if-unmodified-since': 'not a date' }, 'send'],
  ])('%j leads to %s', (headers, expected) => {
    expect(evaluateConditions(headers, validators)).toBe(expected);
  });

  it('compares a weak tag weakly, and never strongly', () => {
    expect(evaluateConditions({ 'if-none-match': '"v1"' }, weak)).toBe('not-modified');
    expect(evaluateConditions({ 'if-match': 'W/"v1"' }, weak)).toBe('failed');
    expect(evaluateConditions({ 'if-match': '*' }, weak)).toBe('send');
  });

  it('knows nothing of what has no tag', () => {
    const none = { etag: undefined };
    expect(evaluateConditions({ 'if-none-match': '*', 'if-modified-since': SAME }, none)).toBe('send');
    expect(evaluateConditions({ 'if-match': '"v1"' }, none)).toBe('failed');
  });
});

describe('rangeApplies', () => {
  it.each([
    [{}, true],
    [{ 'if-range': '"v1"' }, true],
    [{ 'if-range': 'W/"v1"' }, false],
    [{ 'if-range': '"v2"' }, false],
    [{ 'if-range': SAME }, true],
    [{ 'if-range': BEFORE }, false],
    [{ 'if-range': 'not a date' }, false],
  ])('%j: %s', (headers, expected) => {
    expect(rangeApplies(headers, validators)).toBe(expected);
  });
});
