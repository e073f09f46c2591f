import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DiskError, diskError } from './errors.ts';
import { nodeDisk } from './node-disk.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DiskError) return error.code;
    throw error;
  }
  return 'none';
}

const text = new TextEncoder();

describe('nodeDisk', () => {
  let directory = '';

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('L013 writes a whole file, makes its directories, and leaves no temporary one', async () => {
    const path = join(directory, 'a/b/c.ts');
    await nodeDisk.write(path, [text.encode('one '), text.encode('two')]);
    expect(await readFile(path, 'utf8')).toBe('one two');
    await nodeDisk.write(path, text.encode('three'));
    expect(await readdir(join(directory, 'a/b'))).toEqual(['c.ts']);
    await rm(join(directory, 'a'), { recursive: true });
    await nodeDisk.write(path, text.encode('again'));
    expect(await readFile(path, 'utf8')).toBe('again');
  });

  it('tells a path that is no directory from a disk that is full', async () => {
    await writeFile(join(directory, 'file'), '');
    expect(await codeOf(nodeDisk.write(join(directory, 'file/x'), text.encode('x')))).toBe('missing');
    expect(await codeOf(nodeDisk.write(join(directory, 'x'.repeat(300)), text.encode('x')))).toBe('bad-name');
    // A device that is always full stands in for a disk that is.
    await symlink('/dev/full', join(directory, 'full'));
    const file = await nodeDisk.open(join(directory, 'full'), 'update');
    expect(await codeOf(file.append(text.encode('x')))).toBe('full');
    expect(file.size).toBe(0);
    await file.close();
  });

  it.runIf(process.getuid?.() !== 0)('tells a directory that may not be written', async () => {
    await mkdir(join(directory, 'closed'));
    await chmod(join(directory, 'closed'), 0o500);
    expect(await codeOf(nodeDisk.write(join(directory, 'closed/x'), text.encode('x')))).toBe('denied');
  });

  it('appends, patches, reads and truncates an open file', async () => {
    const path = join(directory, 'deep/x.flv');
    const file = await nodeDisk.open(path, 'create');
    await file.append([text.encode('abc'), text.encode('def')]);
    await file.writeAt(1, text.encode('X'));
    expect(file.size).toBe(6);
    expect(Buffer.from(await file.read(4, 10)).toString()).toBe('ef');
    await file.truncate(4);
    await file.append(text.encode('!'));
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('aXcd!');
    const again = await nodeDisk.open(path, 'update');
    expect(again.size).toBe(5);
    await again.close();
    expect(await nodeDisk.size(path)).toBe(5);
    await nodeDisk.rename(path, join(directory, 'other/y.flv'));
    expect(await nodeDisk.size(path)).toBeUndefined();
  });

  it('takes what is absent calmly', async () => {
    const nowhere = join(directory, 'nowhere');
    await nodeDisk.remove(nowhere);
    expect(await nodeDisk.readText(nowhere, 10)).toBeUndefined();
    expect(await nodeDisk.list(nowhere)).toEqual([]);
    expect(await codeOf(nodeDisk.open(nowhere, 'update'))).toBe('missing');
  });

  it('refuses to read a text that is too long, and lists a directory', async () => {
    await writeFile(join(directory, 'x.m3u8'), '#EXTM3U\n');
    await mkdir(join(directory, 'sub'));
    expect(await nodeDisk.readText(join(directory, 'x.m3u8'), 8)).toBe('#EXTM3U\n');
    expect(await codeOf(nodeDisk.readText(join(directory, 'x.m3u8'), 7))).toBe('io');
    const names = (await nodeDisk.list(directory)).map(({ name, directory: is, size }) => [
      name,
      is,
      is || size,
    ]);
    expect(names.sort()).toEqual([
      ['sub', true, true],
      ['x.m3u8', false, 8],
    ]);
  });
});

describe('diskError', () => {
  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EACCES', 'denied'],
    ['EROFS', 'denied'],
    ['ENOTDIR', 'missing'],
    ['ENAMETOOLONG', 'bad-name'],
    ['EIO', 'io'],
  ])('%s is %s, with the path in the message', (system, code) => {
    const error = diskError('/a/b', Object.assign(new Error('no'), { code: system }));
    expect(error.code).toBe(code);
    expect(error.message).toContain('/a/b');
    expect(diskError('/other', error)).toBe(error);
  });
});
