import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { doJob } from './thread-jobs.ts';

describe('doJob', () => {
  let directory = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-jobs-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('L013 makes directories, writes each file under a temporary name, and gives it its own', () => {
    const path = join(directory, 'a/b.ts');
    expect(doJob({ write: [{ path, content: Buffer.from('x') }] })).toEqual({ count: 1 });
    expect(doJob({ write: [{ path, content: 'yy' }] })).toEqual({ count: 1 });
    expect(readFileSync(path, 'utf8')).toBe('yy');
    expect(readdirSync(join(directory, 'a'))).toEqual(['b.ts']);
    expect(doJob({ write: [] })).toEqual({ count: 0 });
  });

  it('a full disk: the old file stays, no temporary one does, what is behind is left alone', () => {
    const path = join(directory, 'x');
    writeFileSync(path, 'old');
    // A device that is always full stands in for a disk that is.
    symlinkSync('/dev/full', join(directory, 'x.tmp'));
    const files = [
      { path, content: 'new' },
      { path: join(directory, 'y'), content: 'y' },
    ];
    const { count, error } = doJob({ write: files });
    expect(count).toBe(0);
    expect(error).toMatchObject({ path, system: 'ENOSPC' });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(directory)).toEqual(['x']);
  });

  it('removes what is there, and what is not', () => {
    const path = join(directory, 'x');
    writeFileSync(path, '');
    expect(doJob({ remove: path })).toEqual({ count: 1 });
    expect(doJob({ remove: path })).toEqual({ count: 1 });
    expect(readdirSync(directory)).toEqual([]);
    expect(doJob({ remove: directory })).toMatchObject({ count: 0, error: { path: directory } });
  });
});
