import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { defaultVhost } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import { nodeDisk } from '../disk/index.ts';
import { Leftovers } from './leftovers.ts';
import { DEFAULT_HLS_LIMITS } from './limits.ts';
import type { HlsConfig } from './test-kit.ts';

const roots: string[] = [];
const running: Leftovers[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((leftovers) => leftovers.stop()));
  await Promise.all(roots.splice(0).map((root) => rm(root, { recursive: true, force: true })));
});

const HEAD =
  '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-ALLOW-CACHE:YES\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-TARGETDURATION:2\n';

function playlist(segments: readonly string[], { head = HEAD, title = ' no desc', key = '' } = {}): string {
  const keyLine = key === '' ? '' : `#EXT-X-KEY:METHOD=AES-128,URI="${key}",IV=0x${'0'.repeat(32)}\n`;
  return head + keyLine + segments.map((uri) => `#EXTINF:2.000,${title}\n${uri}\n`).join('');
}

async function start(
  files: Readonly<Record<string, string>>,
  vhosts: Readonly<Record<string, Partial<HlsConfig>>> = { a: {} },
  owners: Readonly<Record<string, StreamId>> = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'sluice-left-'));
  roots.push(root);
  const longAgo = new Date(Date.now() - 3_600_000);
  const write = async (name: string, text: string, at?: Date): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
    if (at !== undefined) await utimes(join(root, name), at, at);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text, longAgo);
  let now = Date.now();
  const held: string[] = [];
  const configs = Object.entries(vhosts).map(([name, changes]) => ({
    name,
    hls: {
      ...defaultVhost().hls,
      ...{ enabled: true, disposeMs: 4_000, path: root, keyFilePath: root, keys: true },
      ...changes,
    },
  }));
  const leftovers = new Leftovers({
    log: { info: () => undefined, warn: () => undefined },
    disk: nodeDisk,
    limits: DEFAULT_HLS_LIMITS,
    now: () => now,
    utc: () => true,
    vhosts: () => configs,
    ownerOf: (path) => owners[path.slice(root.length + 1)],
    hold: (key) => held.push(key),
  });
  running.push(leftovers);
  await leftovers.settled();
  return {
    held,
    write,
    /** What is left when so many ms have gone by. */
    after: async (ms: number): Promise<string[]> => {
      now += ms;
      leftovers.sweep();
      await leftovers.settled();
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort();
    },
  };
}

const LEFT = {
  'live/s1.m3u8': playlist(['s1-3.ts', 's1-4.ts'], { key: 's1-2.key' }),
  'live/s1-1.ts': 'x',
  'live/s1-3.ts': 'x',
  'live/s1-4.ts': 'x',
  'live/s1-0.key': 'x',
  'live/s1-2.key': 'x',
};

describe('L022 what an earlier run left', () => {
  it('L022 goes hls_dispose after the start: the playlist, its segments and keys, and those that had left it', async () => {
    const { after, held } = await start({ ...LEFT, 'live/s2-1.ts': 'x', 'live/page.html': 'x' });
    expect((await after(3_999)).length).toBe(8);
    expect(await after(1)).toEqual(['live/page.html', 'live/s2-1.ts']);
    expect(held).toHaveLength(1);
  });

  it('L022 stays with hls_dispose 0, and without hls_cleanup only what is listed goes', async () => {
    expect((await (await start(LEFT, { a: { disposeMs: 0 } })).after(1e9)).length).toBe(6);
    expect(await (await start(LEFT, { a: { cleanup: false } })).after(4_000)).toEqual([
      'live/s1-0.key',
      'live/s1-1.ts',
    ]);
  });

  it.each([
    ['a playlist that has an end', playlist(['s1-3.ts']).concat('#EXT-X-ENDLIST\n')],
    ['one of another program', playlist(['s1-3.ts'], { title: '' })],
    [
      'one with a tag of somebody else',
      playlist(['s1-3.ts'], { head: `${HEAD}#EXT-X-START:TIME-OFFSET=0\n` }),
    ],
    ['one that lists a file of another name', playlist(['s1-3.ts', 'intro.ts'])],
    ['one that leads elsewhere', playlist(['../s1-3.ts'])],
    ['one without segments', playlist([])],
    ['a master playlist', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns1-3.m3u8\n'],
    ['no playlist', 'hello'],
  ])('L022 %s is left alone', async (_what, text) => {
    const files = { 'live/s1.m3u8': text, 'live/s1-3.ts': 'x', 'live/intro.ts': 'x' };
    expect(await (await start(files)).after(1e6)).toEqual(['live/intro.ts', 'live/s1-3.ts', 'live/s1.m3u8']);
  });

  it('L022 what has changed since the start is somebody’s', async () => {
    const { after, write } = await start(LEFT);
    await write('live/s1.m3u8', playlist(['s1-3.ts']));
    expect((await after(4_000)).length).toBe(6);
    const other = await start(LEFT);
    await other.write('live/s1-4.ts', 'y', new Date(Date.now() + 60_000));
    expect(await other.after(4_000)).toEqual(['live/s1-4.ts']);
  });

  it('L022 a publisher that came back first looks after what is listed; what had left the playlist goes', async () => {
    const id = { vhost: 'a', app: 'live', stream: 's1' };
    const { after } = await start(LEFT, { a: {} }, { 'live/s1.m3u8': id, 'live/s1-1.ts': id });
    expect(await after(4_000)).toEqual([
      'live/s1-1.ts',
      'live/s1-2.key',
      'live/s1-3.ts',
      'live/s1-4.ts',
      'live/s1.m3u8',
    ]);
  });

  it('L022 vhosts with the same files have to agree: the longest time counts, and 0 keeps them', async () => {
    const { after } = await start(LEFT, { a: {}, b: { disposeMs: 8_000 } });
    expect((await after(4_000)).length).toBe(6);
    expect(await after(4_000)).toEqual([]);
    expect((await (await start(LEFT, { a: {}, b: { disposeMs: 0 } })).after(1e9)).length).toBe(6);
  });

  it('L013 `.tmp` files of ours go when they are quiet, others stay', async () => {
    const { after, write } = await start({
      'live/s1-4.ts.tmp': 'x',
      'live/s1.m3u8.tmp': 'x',
      'note.txt.tmp': 'x',
    });
    await write('live/s1-5.ts.tmp', 'x');
    expect(await after(0)).toEqual(['live/s1-5.ts.tmp', 'note.txt.tmp']);
    const young = await start({});
    await young.write('live/s1-5.ts.tmp', 'x');
    expect(await young.after(1e6)).toEqual(['live/s1-5.ts.tmp']);
  });
});
