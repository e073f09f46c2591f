import { describe, expect, it } from 'vitest';

import { resolveConfig, type VhostConfig } from '../../config/index.ts';
import { flvMounts } from './mounts.ts';

function vhost(mounts: string[], enabled = true): VhostConfig {
  const { vhosts } = resolveConfig({ vhosts: { 'v.test': { httpRemux: { enabled, mounts } } } });
  const found = vhosts.get('v.test');
  if (found === undefined) throw new Error('the test has no vhost');
  return found;
}

describe('flvMounts', () => {
  it.each([
    ['[vhost]/[app]/[stream].flv', '/live/test.flv', { app: 'live', stream: 'test' }],
    ['[vhost]/[app]/[stream].flv', '/a/b/test.flv', { app: 'a/b', stream: 'test' }],
    ['[vhost]/[app]/[stream].flv', '/live/a.b+c.flv', { app: 'live', stream: 'a.b+c' }],
    ['[vhost]/[app]/[stream].flv', '/live/日本.flv', { app: 'live', stream: '日本' }],
    ['[vhost]/[app]/[stream].flv', '/test.flv', undefined],
    ['[vhost]/[app]/[stream].flv', '/live/.flv', undefined],
    ['[vhost]/[app]/[stream].flv', '/live/testxflv', undefined],
    ['[vhost]/[app]/[stream].flv', '/live/test.flv/x', undefined],
    ['[vhost]/watch/[stream].flv', '/watch/test.flv', { app: 'live', stream: 'test' }],
    ['/x.(y)/[app]/[stream].flv', '/x.(y)/live/test.flv', { app: 'live', stream: 'test' }],
    ['/x.(y)/[app]/[stream].flv', '/xy/live/test.flv', undefined],
  ])('H008 %s and %s', (template, path, expected) => {
    const [mount] = flvMounts(vhost([template]));
    expect(mount?.template).toBe(template);
    expect(mount?.match(path)).toEqual(expected);
  });

  it('H008 several mounts in their order, the forms that are not FLV left out', () => {
    const mounts = flvMounts(
      vhost(['[vhost]/[app]/[stream].ts', '[vhost]/b/[stream].flv', '[vhost]/[app]/[stream].flv']),
    );
    expect(mounts.map(({ template }) => template)).toEqual([
      '[vhost]/b/[stream].flv',
      '[vhost]/[app]/[stream].flv',
    ]);
  });

  it('http_remux off has none', () => {
    expect(flvMounts(vhost(['[vhost]/[app]/[stream].flv'], false))).toEqual([]);
  });

  it('matches long hostile paths quickly', () => {
    const [mount] = flvMounts(vhost(['[vhost]/[app]/[stream].flv']));
    expect(mount?.match(`/${'a/'.repeat(4000)}`)).toBeUndefined();
    expect(mount?.match(`/${'.flv/'.repeat(4000)}`)).toBeUndefined();
  });
});
