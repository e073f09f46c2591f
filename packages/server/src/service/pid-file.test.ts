import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { PidFileError } from './errors.ts';
import { acquirePidFile, type LockAnswer, type PidFile, type PidFileOptions } from './pid-file.ts';

const folders: string[] = [];
const held: PidFile[] = [];

afterEach(() => {
  for (const file of held.splice(0)) file.release();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function pidPath(content?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-pid-'));
  folders.push(folder);
  const path = join(folder, 'srs.pid');
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

function acquire(path: string, options?: PidFileOptions): PidFile {
  const file = acquirePidFile(path, options);
  if (file === undefined) throw new Error(`${path} is no ordinary file`);
  held.push(file);
  return file;
}

function refusal(path: string, options?: PidFileOptions): PidFileError {
  try {
    acquire(path, options);
  } catch (error) {
    if (error instanceof PidFileError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? 0;
}

/** A system without flock(1). */
const withoutFlock = { lock: (): LockAnswer => 'unknown' };

describe('G002 the pid file', () => {
  it('holds the number while the server lives, in a directory that is made', () => {
    const path = join(pidPath(), '../objs/run/srs.pid');
    const file = acquire(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    expect(file.stale).toBeUndefined();
    file.release();
    file.release();
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['with flock', {}],
    ['without flock', withoutFlock],
  ])('is refused while a living server has it, %s', (_, options) => {
    const path = pidPath();
    const first = acquire(path, options);
    const error = refusal(path, { ...options, pid: 1_999_999 });
    expect(error.code).toBe('already-running');
    expect(error.message).toContain('1035');
    expect(error.message).toContain(`pid ${process.pid}`);
    expect(error.message).toContain(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    first.release();
    expect(acquire(path, options).stale).toBeUndefined();
  });

  it.each([
    ['with flock', {}],
    ['without flock', withoutFlock],
  ])('of a dead process is taken over, %s', async (_, options) => {
    const dead = await deadPid();
    const path = pidPath(`${dead}`);
    expect(acquire(path, options).stale).toBe(dead);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  });

  it.each([
    ['with flock', {}],
    ['without flock', withoutFlock],
  ])('whose number another program has by now is taken over, %s', (_, options) => {
    expect(acquire(pidPath(`${process.ppid}\n`), options).stale).toBe(process.ppid);
  });

  it.each(['', '\n', 'not a number', '-1', '0', '12 34', '9'.repeat(500), '\u0000\u0001'])(
    'with %j in it is taken over',
    (content) => {
      const path = pidPath(content);
      expect(acquire(path).stale).toBeUndefined();
      expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    },
  );

  it('that another process has made its own by now is left alone', () => {
    const path = pidPath();
    const file = acquire(path);
    unlinkSync(path);
    writeFileSync(path, '1');
    file.release();
    expect(readFileSync(path, 'utf8')).toBe('1');
  });

  it('that its owner removes between our opening and our locking it is made anew', () => {
    const path = pidPath('1999999');
    let removed = false;
    const lock = (): LockAnswer => {
      if (!removed) unlinkSync(path);
      removed = true;
      return 'locked';
    };
    acquire(path, { lock });
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  });

  it('that is removed again and again is an error', () => {
    const path = pidPath();
    const lock = (): LockAnswer => {
      unlinkSync(path);
      return 'locked';
    };
    expect(refusal(path, { lock }).code).toBe('pid-file-failed');
  });

  it('in a place that is a file names the directive', () => {
    const error = refusal(join(pidPath('1'), 'srs.pid'));
    expect(error.code).toBe('pid-file-failed');
    expect(error.message).toMatch(/^pid .*: name another file with `pid`$/);
  });

  it('/dev/null is no pid file', () => {
    expect(acquirePidFile('/dev/null')).toBeUndefined();
  });
});
