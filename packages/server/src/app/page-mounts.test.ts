import { describe, expect, it } from 'vitest';

import { resolveConfig, type VhostOptions } from '../config/index.ts';
import { pageMounts } from './page-mounts.ts';

function mounts(options: VhostOptions): ReturnType<typeof pageMounts> {
  const vhost = resolveConfig({ vhosts: { v: options } }).vhosts.get('v');
  if (vhost === undefined) throw new Error('no vhost');
  return pageMounts(vhost, './html');
}

describe('pageMounts', () => {
  it('W001 names what the page can play', () => {
    expect(mounts({})).toEqual({});
    expect(mounts({ httpRemux: { enabled: true } })).toEqual({ flvMount: '[vhost]/[app]/[stream].flv' });
    expect(mounts({ httpRemux: { enabled: true, mounts: ['[vhost]/[app]/[stream].ts'] } })).toEqual({});
  });

  it.each([
    [{ path: './html' }, '[vhost]/[app]/[stream].m3u8'],
    [{ path: './html/hls/', playlistFile: '[stream]/index.m3u8' }, '[vhost]/hls/[stream]/index.m3u8'],
    [{ path: './elsewhere' }, undefined],
    [{ path: './html', playlistFile: '[2006]/[stream].m3u8' }, undefined],
    [{ path: './elsewhere', storage: 'ram' }, '[vhost]/[app]/[stream].m3u8'],
    [{ path: './elsewhere', storage: 'both', mount: '[vhost]/m/[stream].m3u8' }, '[vhost]/m/[stream].m3u8'],
  ] as const)('L020 HLS of %j is at %j', (hls, hlsMount) => {
    expect(mounts({ hls: { enabled: true, ...hls } }).hlsMount).toBe(hlsMount);
  });
});
