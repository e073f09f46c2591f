import { describe, expect, it } from 'vitest';
import { figureText, formatChecks, formatPage } from './report.ts';
import { atLeast, atMost, type CaseResult, isMet, mergeResults, type Results } from './results.ts';

const result: CaseResult = {
  title: 'ten players',
  date: '2026-11-20',
  checks: { CPU: atMost(12.34, 50, '%'), delivery: atLeast(90, 96, '%'), ratio: atMost(NaN, 1, '×') },
  figures: { sluice: { 'CPU %': 12.34 }, floor: { 'CPU %': 10, 'memory MB': 1234 } },
  note: 'nginx-rtmp could not take this load.',
};
const results: Results = {
  machine: { cpu: 'CPU', cores: 2, memoryGB: 8, kernel: '6', node: 'v20', peers: { peer: '1' } },
  command: 'npm run bench',
  cases: { ten: result },
};

describe('isMet', () => {
  it('holds at the bound itself, and not without a value', () => {
    expect(isMet(atMost(1, 1, '×'))).toBe(true);
    expect(isMet(atMost(1.01, 1, '×'))).toBe(false);
    expect(isMet(atLeast(96, 96, '%'))).toBe(true);
    expect(isMet(atLeast(NaN, 96, '%'))).toBe(false);
    expect(isMet(atMost(NaN, 1, '×'))).toBe(false);
  });
});

describe('formatChecks', () => {
  it('says of each promise whether it was kept', () => {
    const lines = formatChecks(results).split('\n');
    expect(lines.map((line) => /(met|\*\*missed\*\*)$/.exec(line)?.[1])).toEqual([
      undefined,
      'met',
      '**missed**',
      '**missed**',
      undefined,
    ]);
    expect(lines[1]).toContain('≤ 50 %');
  });
});

describe('formatPage', () => {
  it('has the promises, the figures of every server and the machine', () => {
    const page = formatPage(results);
    expect(page).toContain('| ten players | CPU | 12.3 % | ≤ 50 % | met |');
    expect(page).toContain('| sluice | 12.3 | – |');
    expect(page).toContain('| floor | 10 | 1,234 |');
    expect(page).toContain('`npm run bench -- --case ten`, 2026-11-20');
    expect(page).toContain('CPU, 2 cores');
    expect(page).toContain('nginx-rtmp could not take this load.');
    expect(page).not.toContain('What holds back');
  });

  it('says what holds back a missed promise, and nothing of one that is met', () => {
    const check = { value: 3, bound: 2, unit: '×', atLeast: false } as const;
    const checks = { 'p99 against nginx-rtmp': check, 'p50 against nginx-rtmp': { ...check, value: 1 } };
    const page = formatPage({ ...results, cases: { 'latency-100': { ...result, checks } } });
    expect(page).toContain('What holds back what is missed');
    expect(page.match(/^- \*\*.*p99 against nginx-rtmp\.\*\*/gm)).toHaveLength(1);
    expect(page).not.toContain('p50 against nginx-rtmp.**');
  });
});

describe('figureText', () => {
  it('gives about three digits', () => {
    expect([0.12345, 1.2345, 12.345, 123.45, 12345, NaN, undefined].map(figureText)).toEqual([
      '0.123',
      '1.23',
      '12.3',
      '123',
      '12,345',
      '–',
      '–',
    ]);
  });
});

describe('mergeResults', () => {
  it('puts new cases in place of old ones and keeps the others', () => {
    const fresh = { ...results, cases: { ten: { ...result, title: 'new' } } };
    const merged = mergeResults({ ...results, cases: { ten: result, other: result } }, fresh);
    expect(merged.cases['ten']?.title).toBe('new');
    expect(merged.cases['other']).toBe(result);
    expect(mergeResults(undefined, fresh)).toEqual(fresh);
  });
});
