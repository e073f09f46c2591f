import { afterEach, expect, test } from 'vitest';

import { background } from '../background.ts';
import { InternalFaults, MAX_FAULTS } from './internal-faults.ts';

const opened: InternalFaults[] = [];
afterEach(() => {
  for (const faults of opened.splice(0)) faults.close();
});

function create(error: (line: string) => void = () => undefined) {
  let now = 0;
  const lines: string[] = [];
  const log = {
    error: (line: string) => {
      lines.push(line);
      error(line);
    },
  };
  const faults = new InternalFaults({ log, now: () => now });
  opened.push(faults);
  return { faults, lines, advance: (ms: number) => (now += ms) };
}

test('work that nobody waits for is counted and logged with its code when it fails', async () => {
  const { faults, lines } = create();
  background('reading a file', Promise.resolve('done'));
  background('a fetch', Promise.reject(Object.assign(new Error('no more files'), { code: 'EMFILE' })));
  await new Promise(setImmediate);
  expect(faults.count).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/a fetch: EMFILE: Error: no more files\n +at /);
});

test('a log that throws does no harm', () => {
  const { faults } = create(() => {
    throw new Error('disk full');
  });
  faults.note({ what: 'x', error: 'text' });
  expect(faults.count).toBe(1);
});

test('many faults are few lines, and what was left out is told later', () => {
  const { faults, lines, advance } = create();
  for (let i = 0; i < 50; i += 1) faults.note({ what: 'timer', error: new Error('again') });
  expect(lines).toHaveLength(20);
  advance(60_000);
  faults.note({ what: 'timer', error: new Error('again') });
  expect(lines[20]).toContain('30 more');
  expect(faults.count).toBe(51);
});

test('only faults of the program itself, and many of them, end the server, once', () => {
  const { faults, advance } = create();
  let untrusted = 0;
  faults.onUntrusted(() => (untrusted += 1));
  const system = Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' });
  for (let i = 0; i < 3 * MAX_FAULTS; i += 1) faults.note({ what: 'timer', error: system });
  for (let i = 0; i < MAX_FAULTS; i += 1) faults.note({ what: 'timer', error: new TypeError('x') });
  advance(60_000);
  for (let i = 0; i < MAX_FAULTS; i += 1) faults.note({ what: 'timer', error: new TypeError('x') });
  expect(untrusted).toBe(0);
  for (let i = 0; i < 5; i += 1) faults.note({ what: 'timer', error: new TypeError('x') });
  expect(untrusted).toBe(1);
});
