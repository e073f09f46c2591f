import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { DeadLetters } from './dead-letters.ts';
import { keptLog } from './test-kit.ts';

const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function setUp(options: Partial<ConstructorParameters<typeof DeadLetters>[0]> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-letters-'));
  directories.push(directory);
  const file = join(directory, 'a', 'dead.log');
  const log = keptLog();
  const letters = new DeadLetters({ log, file, maxBytes: 1e6, maxPendingBytes: 1e6, ...options });
  return { letters, file, log, directory };
}

function letter(index: number) {
  return { time: '2026-11-21T03:00:00.000Z', url: 'http://x/', problem: 'down\n', event: { index } };
}

describe('DeadLetters', () => {
  it('K008 are a JSON object in a line each', async () => {
    const { letters, file } = await setUp();
    for (let index = 0; index < 3; index += 1) letters.add(letter(index));
    await letters.settled();
    letters.add(letter(3));
    await letters.settled();
    const lines = (await readFile(file, 'utf8')).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([0, 1, 2, 3].map(letter));
  });

  it('K008 a full file is moved away, and no more than two are kept', async () => {
    const { letters, file } = await setUp({ maxBytes: 500 });
    for (let index = 0; index < 50; index += 1) {
      letters.add(letter(index));
      await letters.settled();
    }
    expect((await stat(file)).size).toBeLessThanOrEqual(500);
    expect((await stat(`${file}.1`)).size).toBeLessThanOrEqual(500);
    expect(await readFile(file, 'utf8')).toContain('"index":49');
  });

  it('K008 a disk that fails is said once, and so is that it works again; what is lost is counted', async () => {
    const { letters, file, log, directory } = await setUp();
    await writeFile(join(directory, 'a'), '');
    for (let index = 0; index < 3; index += 1) {
      letters.add(letter(index));
      await letters.settled();
    }
    expect(letters.lost).toBe(3);
    await rm(join(directory, 'a'));
    letters.add(letter(3));
    await letters.settled();
    expect(await readFile(file, 'utf8')).toContain('"index":3');
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn dead letters .*dead\.log: E/),
      expect.stringMatching(/^info dead letters .* works again after .* 3 failures$/),
      `warn dead letters ${file}: events kept here, as they could not be delivered: 1`,
    ]);
  });

  it('K008 no more than so many bytes wait for the disk; without a file nothing is kept', async () => {
    const { letters } = await setUp({ maxPendingBytes: 300 });
    for (let index = 0; index < 10; index += 1) letters.add(letter(index));
    expect(letters.lost).toBeGreaterThan(5);
    await letters.settled();
    const none = (await setUp({ file: '' })).letters;
    none.add(letter(0));
    await none.settled();
    expect(none.lost).toBe(1);
  });
});
