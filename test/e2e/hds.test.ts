import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseBootstrap } from '@sluice/media/hds';
import { describe, expect, it, onTestFinished } from 'vitest';

import { fixture, framemd5, haveFfmpeg, publish, startSluice, waitFor } from '../harness/index.ts';

const FLV_HEAD = Buffer.from('464c5601050000000900000000', 'hex');

describe.runIf(haveFfmpeg)('HDS', () => {
  it('D001 D002 the manifest leads to fragments that hold every frame', async () => {
    const sluice = await startSluice({
      vhost: 'hds { enabled on; hds_path ./; hds_fragment 2; hds_window 60; }',
    });
    onTestFinished(() => sluice.stop());
    const source = await fixture('h264-aac');
    await publish({ file: source, url: sluice.rtmpUrl('x') }).finished();
    const manifest = await waitFor(async () => {
      const answer = await fetch(sluice.httpUrl('/live/x.f4m'));
      return answer.ok ? answer.text() : undefined;
    }, 'the manifest is there');
    expect(manifest).toContain('<streamType>live</streamType>');
    const directory = join(sluice.folder, 'live');
    const fragments = await waitFor(async () => {
      const names = (await readdir(directory)).filter((name) => /^xSeg1-Frag\d+$/.test(name));
      return names.length >= 4 ? names : undefined;
    }, 'there are fragments');
    const bootstrap = await waitFor(
      async () => parseBootstrap(await readFile(join(directory, 'x.abst'))),
      'the bootstrap is there',
    );
    expect(bootstrap.live).toBe(true);
    const bodies = [];
    for (const name of fragments.sort((left, right) => left.localeCompare(right, 'en', { numeric: true }))) {
      const box = await readFile(join(directory, name));
      expect(box.subarray(4, 8).toString()).toBe('mdat');
      expect(box.readUInt32BE(0)).toBe(box.length);
      bodies.push(box.subarray(8));
    }
    const file = join(sluice.folder, 'joined.flv');
    await writeFile(file, Buffer.concat([FLV_HEAD, ...bodies]));
    const frames = (await framemd5(file, 'v')).map(({ md5 }) => md5);
    expect(frames).toEqual((await framemd5(source, 'v')).map(({ md5 }) => md5));
  });
});
