import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseBootstrap } from '@sluice/media/hds';
import { afterEach, describe, expect, it } from 'vitest';

import { defaultVhost } from '../../config/index.ts';
import { nodeDisk } from '../disk/index.ts';
import { FragmentWindow } from './fragment-window.ts';
import { Leftovers } from './leftovers.ts';

const roots: string[] = [];
const running: Leftovers[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((leftovers) => leftovers.stop()));
  await Promise.all(roots.splice(0).map((root) => rm(root, { recursive: true, force: true })));
});

async function start({ ended = false, published = false } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'sluice-hds-left-'));
  roots.push(root);
  await nodeDisk.write(join(root, 'live/s1.f4m'), Buffer.from('x'));
  const window = new FragmentWindow(60_000, 7);
  window.push({ number: 4, startMs: 0, durationMs: 2_000 });
  window.push({ number: 5, startMs: 2_000, durationMs: 2_000 });
  const longAgo = new Date(Date.now() - 3_600_000);
  await nodeDisk.write(join(root, 'live/s1.abst'), window.bootstrap(ended));
  for (const name of [
    's1Seg1-Frag3',
    's1Seg1-Frag4',
    's1Seg1-Frag5',
    's2Seg1-Frag1',
    's1.abst.tmp',
    'my.tmp',
  ]) {
    await writeFile(join(root, 'live', name), 'x');
  }
  for (const name of await readdir(join(root, 'live')))
    await utimes(join(root, 'live', name), longAgo, longAgo);
  let now = Date.now();
  const held: string[] = [];
  const leftovers = new Leftovers({
    log: { info: () => undefined, warn: () => undefined },
    disk: nodeDisk,
    now: () => now,
    vhosts: () => [
      { name: 'a', hds: { ...defaultVhost().hds, enabled: true, path: root, windowMs: 10_000 } },
    ],
    isPublished: () => published,
    hold: ({ app, stream }) => held.push(`${app}/${stream}`),
  });
  running.push(leftovers);
  await leftovers.settled();
  return {
    held,
    after: async (ms: number) => {
      now += ms;
      leftovers.sweep();
      await leftovers.settled();
      const bootstrap = parseBootstrap(await readFile(join(root, 'live/s1.abst')));
      const names = (await readdir(join(root, 'live'))).sort();
      return {
        version: bootstrap.version,
        ends: bootstrap.fragmentRunTables[0]?.runs.at(-1)?.discontinuity,
        names,
      };
    },
  };
}

describe('D003 what an earlier run left of HDS', () => {
  it('D003 is ended hds_window after the start, and what is not listed goes', async () => {
    const { after, held } = await start();
    expect(await after(9_999)).toMatchObject({ version: 8, ends: undefined });
    expect(await after(1)).toMatchObject({ version: 9, ends: 0 });
    expect(held).toEqual(['live/s1']);
    expect((await after(60_000)).names).toEqual(
      ['my.tmp', 's1.abst', 's1.f4m', 's1Seg1-Frag4', 's1Seg1-Frag5', 's2Seg1-Frag1'].sort(),
    );
  });

  it('D003 is left alone when it has an end, and when somebody publishes again', async () => {
    expect(await (await start({ ended: true })).after(10_000)).toMatchObject({ version: 8, ends: 0 });
    expect(await (await start({ published: true })).after(10_000)).toMatchObject({
      version: 8,
      ends: undefined,
    });
  });
});
