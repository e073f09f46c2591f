import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { millisecondsToWait, noteForgotten } from './forgotten-files.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-forgotten-'));
  folders.push(folder);
  return folder;
}

describe('millisecondsToWait', () => {
  it('is nothing where no run has deleted many files', () => {
    const folder = makeFolder();
    expect(millisecondsToWait(folder)).toBe(0);
    noteForgotten(folder, 10);
    expect(existsSync(join(folder, 'deleted-at.json'))).toBe(false);
  });

  it('is about a minute behind a deletion, and nothing later', () => {
    const folder = makeFolder();
    noteForgotten(folder, 10_000);
    expect(millisecondsToWait(folder)).toBeGreaterThan(0);
    expect(millisecondsToWait(folder, Date.now() + 100_000)).toBe(0);
    // A clock that was set back does not make it wait for hours.
    expect(millisecondsToWait(folder, 0)).toBeLessThan(70_000);
  });
});
