import { mkdtempSync, realpathSync } from 'node:fs';
import { link, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { type Config, loadConfig } from '../config/index.ts';
import { TemplateOwners } from './file-owners.ts';
import { PathIdentities } from './path-identities.ts';
import { PrivateFiles, privateFiles } from './private-files.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-owners-')));
const token = 'token { enabled on; secret YWJvdXQtNDAtcmFuZG9tLWNoYXJhY3RlcnM; }';

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

function load(text: string): Config {
  return loadConfig({ text: `listen 1935; ${text}`, env: {} });
}

async function fileAt(path: string) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '', { flag: 'a' });
  const { dev, ino } = await stat(path);
  return { path: realpathSync(path), identity: `${dev}:${ino}` };
}

/** Each look is at the file system as it is now. */
function ownersOf(text: string) {
  let now = 0;
  let config = load(text);
  const clock = (): number => (now += 60_000);
  const identities = new PathIdentities(clock);
  const own = new PrivateFiles(
    identities,
    () => [join(root, 'own/srs.conf'), ...privateFiles(config)],
    clock,
  );
  const owners = new TemplateOwners(identities, own, () => config, clock);
  return {
    owners,
    reload: (next: string): void => {
      config = load(next);
      owners.reconfigured();
    },
    at: async (path: string): Promise<string[]> => {
      const places = await owners.placesOf(await fileAt(join(root, path)));
      return places.map((place) => {
        const off = place.vhost === undefined ? ' off' : '';
        if (place.kind === 'unknown') return `unknown${off}`;
        const { vhost, app, stream } = place.stream;
        return `${place.kind} ${vhost} ${app} ${stream}${off}`;
      });
    },
  };
}

describe('TemplateOwners', () => {
  it('S001 looks for nothing where everyone may play', async () => {
    const { at } = ownersOf(`vhost a { hls { enabled on; hls_path ${root}/w; } }`);
    expect(await at('w/live/s1.m3u8')).toEqual([]);
  });

  it('S001 reads HLS, HDS and recordings backwards, and takes the rest of their kind for unknown', async () => {
    const { at } = ownersOf(`vhost a { ${token} hls { enabled on; hls_path ${root}/w; hls_keys on;
      hls_key_file_path ${root}/k; } hds { enabled on; hds_path ${root}/w; }
      dvr { enabled on; dvr_path ${root}/w/rec/[app]/[2006]/[stream].[timestamp].flv; } }`);
    expect(await at('w/live/s1.m3u8')).toEqual(['playlist a live s1']);
    expect(await at('w/LIVE/s1.M3U8')).toEqual(['playlist a LIVE s1']);
    expect(await at('w/live/s1-12.ts')).toEqual(['segment a live s1']);
    expect(await at('k/live/s1-12.key')).toEqual(['key a live s1']);
    expect(await at('w/live/s1.f4m')).toEqual(['hds a live s1']);
    expect(await at('w/live/s1Seg1-Frag3')).toEqual(['hds a live s1']);
    expect(await at('w/rec/live/2026/s1.1796087621155-3.flv')).toEqual(['recording a live s1']);
    for (const path of [
      'w/top.m3u8',
      'w/live/s1.ts',
      'w/live/s1.m3u8.gz',
      'w/live/s1.ts~',
      'k/x.key',
      'w/rec/x.flv',
    ]) {
      expect([path, await at(path)]).toEqual([path, ['unknown']]);
    }
    for (const path of [
      'w/index.html',
      'w/live/logo.png',
      'w/movie.mp4',
      'w/rec/list.json',
      'else/live/s1.m3u8',
    ]) {
      expect([path, await at(path)]).toEqual([path, []]);
    }
  });

  it('S001 knows a directory by what it is, through links to it, above it and within it', async () => {
    await mkdir(join(root, 'real/w'), { recursive: true });
    await symlink('real', join(root, 'parent'));
    const { at, owners } = ownersOf(`vhost a { ${token} hls { enabled on; hls_path ${root}/parent/w; } }`);
    expect(await at('real/w/live/s1.m3u8')).toEqual(['playlist a live s1']);
    const [place] = await owners.placesOf(await fileAt(join(root, 'real/w/live/s1.m3u8')));
    // As HLS names it, so that what is in memory is found.
    expect(place?.path).toBe(join(root, 'parent/w/live/s1.m3u8'));
  });

  it('S001 several vhosts with one root: those that not everyone may play count, and an open one claims its own', async () => {
    const hls = (template: string): string =>
      `hls { enabled on; hls_path ${root}/m; hls_m3u8_file ${template}.m3u8; hls_ts_file ${template}-[seq].ts; }`;
    const { at } =
      ownersOf(`vhost a { ${token} ${hls('[vhost]/[app]/[stream]')} } vhost b { ${hls('[app]/[stream]')} }
      vhost c { ${token} ${hls('[app]/[stream]')} }`);
    expect(await at('m/live/s1.m3u8')).toEqual(['playlist c live s1']);
    expect(await at('m/a/live/s1.m3u8')).toEqual([
      'playlist a live s1',
      'playlist c a/live s1',
      'playlist c a live/s1',
    ]);
    const open = ownersOf(
      `vhost a { ${token} ${hls('[vhost]/[app]/[stream]')} } vhost b { ${hls('[app]/[stream]')} }`,
    );
    expect(await open.at('m/live/s1.m3u8')).toEqual([]);
    expect(await open.at('m/x.m3u8')).toEqual(['unknown']);
  });

  it('S001 a guarded vhost without recordings does not take those of an open one, nor files of others', async () => {
    const { at } = ownersOf(`vhost a { ${token} dvr { dvr_path ${root}/d/[app]/[stream].[timestamp].flv; } }
      vhost b { dvr { enabled on; dvr_path ${root}/d/[app]/[stream].[timestamp].flv; } }`);
    expect(await at('d/live/s1.1796087621155.flv')).toEqual([]);
    const alone = ownersOf(`vhost a { ${token} dvr { dvr_path ${root}/d/[app]/[stream].[timestamp].flv; } }`);
    expect(await alone.at('d/live/s1.1796087621155.flv')).toEqual(['recording a live s1']);
    expect(await alone.at('d/vod/movie.flv')).toEqual([]);
  });

  it('C006 what was guarded stays so after a reload that switches HLS off or takes the vhost away', async () => {
    const before = `vhost a { ${token} hls { enabled on; hls_path ${root}/r; } } vhost b { }`;
    const { at, reload } = ownersOf(before);
    expect(await at('r/live/s1.m3u8')).toEqual(['playlist a live s1']);
    reload(`vhost a { ${token} } vhost b { }`);
    expect(await at('r/live/s1.m3u8')).toEqual(['playlist a live s1']);
    reload('vhost b { }');
    expect(await at('r/live/s1.m3u8')).toEqual(['playlist a live s1 off']);
    reload(`vhost a { hls { enabled on; hls_path ${root}/r; } } vhost b { }`);
    expect(await at('r/live/s1.m3u8')).toEqual([]);
  });

  it('S001 a template without names, and a path that can be read in many ways, tell nothing', async () => {
    const { at } =
      ownersOf(`vhost a { ${token} hls { enabled on; hls_path ${root}/v; hls_m3u8_file [stream].m3u8;
      hls_ts_file [app]/[stream]-[seq].ts; } }`);
    expect(await at('v/s1.m3u8')).toEqual(['unknown']);
    expect((await at(`v/${'a/'.repeat(12)}s-1.ts`)).includes('unknown')).toBe(true);
  });
});

describe('PrivateFiles', () => {
  it('S001 hides configuration, keys, log and pid file, their older versions and links to them', async () => {
    const { owners } = ownersOf(`pid ${root}/own/srs.pid; srs_log_file ${root}/own/srs.log;
      rtmps { enabled off; key ${root}/own/server.key; } vhost a { }`);
    const isPrivate = async (path: string) => owners.isPrivate(await fileAt(join(root, path)));
    for (const name of [
      'srs.conf',
      'SRS.CONF',
      'srs.conf~',
      'srs.conf.overlay.json',
      'srs.pid',
      'srs.log',
      'srs.log.1',
      'srs.log-20261201.gz',
      'server.key',
      'server.key.old',
    ]) {
      expect([name, await isPrivate(`own/${name}`)]).toEqual([name, true]);
    }
    await symlink('own', join(root, 'alias'));
    await link(join(root, 'own/server.key'), join(root, 'hard'));
    expect(await isPrivate('alias/srs.conf')).toBe(true);
    expect(await isPrivate('hard')).toBe(true);
    for (const name of ['own/server.crt', 'own/srs.html', 'own/srs', 'srs.conf', 'srs.log']) {
      expect([name, await isPrivate(name)]).toEqual([name, false]);
    }
  });
});

describe('PathIdentities', () => {
  it('are bounded, and believed for a while only', async () => {
    let now = 0;
    const identities = new PathIdentities(() => now);
    const path = join(root, 'later');
    expect(await identities.of(path)).toBeUndefined();
    await fileAt(path);
    expect(await identities.of(path)).toBeUndefined();
    now = 2_000;
    expect(await identities.of(path)).toBe((await fileAt(path)).identity);
    await Promise.all(
      Array.from({ length: 5_000 }, (_, index) => identities.of(join(root, `none-${index}`))),
    );
    expect(identities.size).toBeLessThanOrEqual(4_096);
  });
});
