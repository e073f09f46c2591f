import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { nodeDisk } from './node-disk.ts';
import { ThreadDisk, type ThreadDiskOptions } from './thread-disk.ts';

/** Programs of threads that do no work on any disk, and are JavaScript already. */
const GONE = program("parentPort.on('message', () => process.exit(3));");
/** Its counts are the order in which jobs came to it. */
const COUNTING = program(
  'let order = 0;' +
    "parentPort.on('message', ({ id, jobs }) =>" +
    ' parentPort.postMessage({ id, outcomes: jobs.map(() => ({ count: (order += 1) })) }));',
);
const SILENT = program("parentPort.on('message', () => undefined);");

function program(text: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads';${text}`)}`,
  );
}

function shared(text: string): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(Buffer.byteLength(text)));
  bytes.set(Buffer.from(text));
  return bytes;
}

describe('ThreadDisk', () => {
  let directory = '';
  let log: string[] = [];
  const disks: ThreadDisk[] = [];

  function diskOf(options: Partial<ThreadDiskOptions> = {}): ThreadDisk {
    const disk = new ThreadDisk({
      log: { warn: (line) => log.push(line), info: (line) => log.push(line) },
      ...options,
    });
    disks.push(disk);
    return disk;
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-thread-'));
    log = [];
  });

  afterEach(async () => {
    for (const disk of disks.splice(0)) disk.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('L013 writes files of one go in order, from shared memory and text, and leaves no temporary one', async () => {
    const disk = diskOf();
    const segment = join(directory, 'a/b/1.ts');
    const playlist = join(directory, 'a/b/x.m3u8');
    const written = await disk.writeInOrder([
      { path: segment, content: shared('segment') },
      { path: playlist, content: 'ünï' },
    ]);
    expect(written).toEqual({ count: 2 });
    expect(await readFile(segment, 'utf8')).toBe('segment');
    expect(await readFile(playlist, 'utf8')).toBe('ünï');
    await disk.write(playlist, [shared('one '), shared('two')]);
    expect(await readFile(playlist, 'utf8')).toBe('one two');
    expect((await readdir(join(directory, 'a/b'))).sort()).toEqual(['1.ts', 'x.m3u8']);
    await rm(join(directory, 'a'), { recursive: true });
    await disk.write(playlist, shared('again'));
    expect(await readFile(playlist, 'utf8')).toBe('again');
    await disk.remove(playlist);
    await disk.remove(playlist);
    expect(await readdir(join(directory, 'a/b'))).toEqual([]);
    expect(log).toEqual([]);
  });

  it('fails as the disk of the machine does: same codes, same words, and nothing behind the failure is written', async () => {
    const disk = diskOf();
    await writeFile(join(directory, 'file'), '');
    const broken = [join(directory, 'file/x'), join(directory, 'x'.repeat(300)), '/dev/full/x'];
    const first = { path: join(directory, 'first'), content: 'first' };
    for (const path of broken) {
      const files = [first, { path, content: 'x' }, { path: join(directory, 'last'), content: 'x' }];
      const mine = await disk.writeInOrder(files);
      const nodes = await nodeDisk.writeInOrder(files);
      expect(mine.count).toBe(1);
      expect(mine.error).toMatchObject({ code: nodes.error?.code, path, message: nodes.error?.message });
      await expect(disk.write(path, shared('x'))).rejects.toMatchObject({ code: nodes.error?.code });
    }
    await expect(disk.remove(directory)).rejects.toMatchObject({ path: directory });
    expect((await readdir(directory)).sort()).toEqual(['file', 'first']);
  });

  it('takes over without a thread: what was asked for is written by the pool, and it is said once', async () => {
    for (const options of [{ program: GONE }, { program: new URL('./nothing.js', import.meta.url) }]) {
      log = [];
      const disk = diskOf(options);
      const paths = Array.from({ length: 40 }, (_, index) => join(directory, `${index}`));
      const results = paths.map((path) => disk.writeInOrder([{ path, content: path }]));
      for (const written of await Promise.all(results)) expect(written).toEqual({ count: 1 });
      await disk.remove(join(directory, '0'));
      await disk.write(join(directory, 'later'), shared('later'));
      expect(await readdir(directory)).toHaveLength(40);
      expect(log).toHaveLength(1);
      expect(log[0]).toContain('without a thread of their own');
    }
  });

  it('what is new goes first, and what is old is not forgotten', async () => {
    const disk = diskOf({ program: COUNTING });
    const removals = Array.from({ length: 4 }, (_, index) => disk.remove(join(directory, `old${index}`)));
    const order = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const path = join(directory, `${index}`);
        return (await disk.writeInOrder([{ path, content: '' }])).count;
      }),
    );
    await Promise.all(removals);
    expect(order.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    // Two removals were between each eight writes.
    expect(order.slice(8)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24]);
  });

  it('what the thread has not answered when it is let go fails', async () => {
    const disk = diskOf({ program: SILENT });
    const path = join(directory, 'x');
    const written = disk.writeInOrder([{ path, content: 'x' }]);
    const removed = disk.remove(path);
    disk.close();
    expect(await written).toMatchObject({ count: 0, error: { code: 'io', path } });
    await expect(removed).rejects.toMatchObject({ code: 'io', path });
  });

  it.runIf(process.platform === 'linux')('a disk that hangs holds the thread, and nothing else', async () => {
    const disk = diskOf();
    const path = join(directory, 'hangs');
    // Nobody reads: who opens it to write waits for ever.
    execFileSync('mkfifo', [`${path}.tmp`]);
    const hanging = disk.writeInOrder([{ path, content: 'x' }]);
    const behind = disk.writeInOrder([{ path: join(directory, 'behind'), content: 'y' }]);
    await nodeDisk.write(join(directory, 'beside'), shared('z'));
    expect(await disk.size(join(directory, 'beside'))).toBe(1);
    const reader = await open(`${path}.tmp`, 'r');
    expect(await hanging).toEqual({ count: 1 });
    expect(await behind).toEqual({ count: 1 });
    await reader.close();
  });
});
