import { describe, expect, it } from 'vitest';

import { resolveConfig, type VhostConfig } from '../../config/index.ts';
import { liveMounts } from './mounts.ts';

function vhost(mounts: string[], enabled = true): VhostConfig {
  const { vhosts } = resolveConfig({ vhosts: { 'v.test': { httpRemux: { enabled, mounts } } } });
  const found = vhosts.get('v.test');
  if (found === undefined) throw new Error('the test has no vhost');
  return found;
}

describe('liveMounts', () => {
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
    const [mount] = liveMounts(vhost([template]));
    expect(mount?.template).toBe(template);
    expect(mount?.match(path)).toEqual(expected);
  });

  it('H008 the extension picks the form; configured mounts first, then their siblings in the other forms', () => {
    const mounts = liveMounts(vhost(['[vhost]/[app]/[stream].ts', '[vhost]/b/[stream].flv']));
    expect(
      mounts.map(({ template, form, configured }) => `${configured ? '' : '+'}${template} ${form}`),
    ).toEqual([
      '[vhost]/[app]/[stream].ts ts',
      '[vhost]/b/[stream].flv flv',
      '+[vhost]/[app]/[stream].flv flv',
      '+[vhost]/[app]/[stream].aac aac',
      '+[vhost]/[app]/[stream].mp3 mp3',
      '+[vhost]/b/[stream].ts ts',
      '+[vhost]/b/[stream].aac aac',
      '+[vhost]/b/[stream].mp3 mp3',
    ]);
  });

  it('H008 a mount that is configured is no sibling, and one that stands twice counts once', () => {
    const templates = ['flv', 'ts', 'flv'].map((form) => `[vhost]/[app]/[stream].${form}`);
    const mounts = liveMounts(vhost(templates));
    expect(mounts.map(({ form, configured }) => [form, configured])).toEqual([
      ['flv', true],
      ['ts', true],
      ['aac', false],
      ['mp3', false],
    ]);
  });

  it.each(['flv', 'ts', 'aac', 'mp3'])('H008 .%s and a stream', (form) => {
    const mount = liveMounts(vhost(['[vhost]/[app]/[stream].flv'])).find((other) => other.form === form);
    expect(mount?.match(`/live/test.${form}`)).toEqual({ app: 'live', stream: 'test' });
    expect(mount?.match('/live/test.xyz')).toBeUndefined();
  });

  it('http_remux off has none', () => {
    expect(liveMounts(vhost(['[vhost]/[app]/[stream].flv'], false))).toEqual([]);
  });

  it('matches long hostile paths quickly', () => {
    const [mount] = liveMounts(vhost(['[vhost]/[app]/[stream].flv']));
    expect(mount?.match(`/${'a/'.repeat(4000)}`)).toBeUndefined();
    expect(mount?.match(`/${'.flv/'.repeat(4000)}`)).toBeUndefined();
  });
});
