import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HttpServerError } from './errors.ts';
import { compileStaticMounts } from './static-mounts.ts';
import type { StaticMount } from './static-mounts.ts';

function mount(vhost: string, template: string, dir: string): StaticMount {
  return { vhost, mount: template, dir };
}

describe('compileStaticMounts', () => {
  const mounts = compileStaticMounts([
    mount('__defaultVhost__', '[vhost]/', 'any'),
    mount('__defaultVhost__', '[vhost]/hls/long', 'any-long'),
    mount('a.example', '[vhost]/hls', 'a-hls/[vhost]'),
    mount('a.example', '[vhost]/', 'a-root'),
  ]);

  it('H002 lets the longest pattern win', () => {
    expect(mounts.match('b.example', '/hls/long/x.ts')).toEqual({
      kind: 'file',
      dir: resolve('any-long'),
      path: '/x.ts',
    });
    expect(mounts.match('b.example', '/hls/x.ts')).toEqual({
      kind: 'file',
      dir: resolve('any'),
      path: '/hls/x.ts',
    });
  });

  it('H002 lets a pattern with a host beat a longer one for any host', () => {
    expect(mounts.match('a.example', '/hls/long/x.ts')).toEqual({
      kind: 'file',
      dir: resolve('a-hls/a.example'),
      path: '/long/x.ts',
    });
    expect(mounts.match('a.example', '/')).toEqual({ kind: 'file', dir: resolve('a-root'), path: '/' });
  });

  it('H003 sends the mount without its slash to the mount', () => {
    expect(mounts.match('a.example', '/hls')).toEqual({ kind: 'redirect' });
    expect(mounts.match('a.example', '/hlsx')).toEqual({
      kind: 'file',
      dir: resolve('a-root'),
      path: '/hlsx',
    });
  });

  it('H007 knows no directory for a host that has none', () => {
    expect(compileStaticMounts([mount('a.example', '[vhost]/x/', 'd')]).match('b', '/x/y')).toBeUndefined();
  });

  it('H002 refuses a duplicate pattern', () => {
    const compile = () =>
      compileStaticMounts([
        mount('__defaultVhost__', '[vhost]/a', '1'),
        mount('x', '__defaultVhost__/a/', '2'),
      ]);
    expect(compile).toThrow(HttpServerError);
    expect(compile).toThrow(expect.objectContaining({ code: 'duplicate-mount' }));
  });

  it.each(['[vhost]/../a', '[vhost]//a', '[vhost]/./'])('H002 refuses the unclean mount %s', (template) => {
    expect(() => compileStaticMounts([mount('x', template, 'd')])).toThrow(
      expect.objectContaining({ code: 'unclean-mount' }),
    );
  });
});
