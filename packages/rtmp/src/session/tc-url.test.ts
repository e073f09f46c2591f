import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RtmpError } from '../errors.ts';
import { parseTcUrl, resolveStreamUrl } from './tc-url.ts';

const defaults = { scheme: 'rtmp', host: 'h', port: 1935, vhost: 'h', app: 'live', param: '' };

const urls: readonly (readonly [string, Partial<typeof defaults>])[] = [
  ['rtmp://h/live', {}],
  ['rtmp://h:19350/live', { port: 19_350 }],
  ['rtmp://h:/live', {}],
  ['RTMP://h/live', {}],
  ['rtmps://h/live', { scheme: 'rtmps', port: 443 }],
  ['rtmp://[2001:db8::1]:1936/live', { host: '2001:db8::1', vhost: '2001:db8::1', port: 1936 }],
  ['rtmp://user:secret@h/live', {}],
  ['rtmp://h/live?vhost=V', { vhost: 'V', param: '?vhost=V' }],
  ['rtmp://h/live?token=x&vhost=V', { vhost: 'V', param: '?token=x&vhost=V' }],
  ['rtmp://h/live?vhost=V&token=x', { vhost: 'V', param: '?vhost=V&token=x' }],
  ['rtmp://h/live?vhost=V/sub', { vhost: 'V', param: '?vhost=V/sub' }],
  ['rtmp://h/live?token=x', { param: '?token=x' }],
  ['rtmp://h/live?vhost=', { param: '?vhost=' }],
  ['rtmp://h/live...vhost...V', { vhost: 'V' }],
  ['rtmp://h/live,vhost,V', { vhost: 'V' }],
  ['rtmp://h/live&&vhost=V', { vhost: 'V' }],
  ['rtmp://h/live?token=x...vhost...V', { vhost: 'V', param: '?token=x...vhost...V' }],
  ['rtmp://h/ live /', {}],
  ['rtmp://h//live//', {}],
  ['rtmp://h/a/b', { app: 'a/b' }],
  ['rtmp://h/live?domain=V', { vhost: 'V', param: '?domain=V' }],
  ['rtmp://h/live?token=x&domain=V&y=z', { vhost: 'V', param: '?token=x&domain=V&y=z' }],
  ['rtmp://h/live?domain=A&vhost=V', { vhost: 'V', param: '?domain=A&vhost=V' }],
  ['rtmp://h/live?domain=V/sub', { vhost: 'V', param: '?domain=V/sub' }],
  ['rtmp://h/live?token=domain&x=1', { param: '?token=domain&x=1' }],
  ['rtmp://h/live?subdomain=V', { param: '?subdomain=V' }],
  ['rtmp://h/live?domain=', { param: '?domain=' }],
  ['rtmp://h/live/_definst_', {}],
  ['rtmp://h/live/_definst_/', {}],
  ['rtmp://h/live/_definst_?vhost=V', { vhost: 'V', param: '?vhost=V' }],
  ['rtmp://h/a/_definst_/b', { app: 'a/b' }],
  ['rtmp://h/ /_definst_ /b', { app: 'b' }],
  ['rtmp://h/live/_definst_x', { app: 'live/_definst_x' }],
  ['rtmp://h', { app: '__defaultApp__' }],
  ['rtmp://h/', { app: '__defaultApp__' }],
  ['rtmp://h/_definst_', { app: '__defaultApp__' }],
  ['rtmp://h/?token=x', { app: '__defaultApp__', param: '?token=x' }],
  ['rtmp://h?vhost=V', { app: '__defaultApp__', vhost: 'V', param: '?vhost=V' }],
];

const streams: readonly (readonly [string, string, Record<string, string>])[] = [
  ['rtmp://h/live', 'x', { stream: 'x', vhost: 'h', param: '' }],
  ['rtmp://h/live', ' /x/ ', { stream: 'x' }],
  ['rtmp://h/live', 'x?vhost=V&token=t', { stream: 'x', vhost: 'V', param: '?vhost=V&token=t' }],
  ['rtmp://h/live?vhost=A', 'x?vhost=V', { vhost: 'V', param: '?vhost=A&vhost=V' }],
  ['rtmp://h/live?vhost=A', 'x?token=t', { vhost: 'A', param: '?vhost=A&token=t' }],
  ['rtmp://h/live', 'mp4:a/b', { stream: 'mp4:a/b' }],
  ['rtmp://h/live', 'x?domain=V', { stream: 'x', vhost: 'V', param: '?domain=V' }],
  ['rtmp://h/live?vhost=A', 'x?domain=V', { vhost: 'V' }],
  ['rtmp://h/live', '_definst_/x', { app: 'live', stream: 'x' }],
  ['rtmp://h/live/_definst_', 'x', { app: 'live', stream: 'x' }],
  ['rtmp://h', 'x', { app: '__defaultApp__', stream: 'x' }],
  // The whole URL was given as the server's, as SRS guesses it.
  ['rtmp://h/live/x', '', { app: 'live', stream: 'x', param: '' }],
  ['rtmp://h/live/x', '/', { app: 'live', stream: 'x' }],
  ['rtmp://h/live/x/', '', { app: 'live', stream: 'x' }],
  ['rtmp://h/live/_definst_/x', '', { app: 'live', stream: 'x' }],
  ['rtmp://h/live/x?token=t', '', { app: 'live', stream: 'x', param: '?token=t' }],
  ['rtmp://h/live/x', '?token=t', { app: 'live', stream: 'x', param: '?token=t' }],
  ['rtmp://h/live/x?vhost=V', '', { app: 'live', stream: 'x', vhost: 'V' }],
  ['rtmp://h/live?vhost=V/x', '', { app: 'live', stream: 'x', vhost: 'V', param: '?vhost=V' }],
  ['rtmp://h/live?token=t/x', '', { app: 'live', stream: 'x', param: '?token=t' }],
  ['rtmp://h/live?token=t/x?y=z', '', { app: 'live', stream: 'x', param: '?token=t&y=z' }],
  ['rtmp://h/a/b/c', '', { app: 'a', stream: 'b/c' }],
];

describe('parseTcUrl', () => {
  for (const [url, parts] of urls) {
    it(`R032 ${url}`, () => {
      expect(parseTcUrl(url)).toEqual({ ...defaults, ...parts });
    });
  }

  it("R032 takes the command's app where the URL has none", () => {
    expect(parseTcUrl('rtmp://h', 'live?vhost=V')).toEqual({ ...defaults, vhost: 'V', param: '?vhost=V' });
    expect(parseTcUrl('rtmp://h/', 'live')).toEqual(defaults);
    expect(parseTcUrl('rtmp://h?vhost=V', 'live')).toEqual({ ...defaults, vhost: 'V', param: '?vhost=V' });
  });

  for (const url of [
    '',
    'live',
    '://h/live',
    'rtmp:///live',
    'rtmp://',
    'rtmp://h:0/l',
    'rtmp://h:99999/l',
    'rtmp://h:x/l',
  ]) {
    it(`R030 refuses ${JSON.stringify(url)}`, () => {
      expect(() => parseTcUrl(url)).toThrow(expect.objectContaining({ code: 'tc-url', number: 2006 }));
    });
  }

  it('throws nothing but RtmpError, in linear time', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60, unit: fc.constantFrom(...Array.from('rtmp:/?&=.,v host[]@1')) }),
        (text) => {
          try {
            parseTcUrl(`rtmp://${text}`);
          } catch (error) {
            expect(error).toBeInstanceOf(RtmpError);
          }
        },
      ),
    );
    const long = parseTcUrl(`rtmp://h/live${' /'.repeat(500_000)}x`);
    expect(long.app.endsWith('x')).toBe(true);
  });
});

describe('resolveStreamUrl', () => {
  for (const [tcUrl, name, parts] of streams) {
    it(`R033 ${tcUrl} and ${name}`, () => {
      expect(resolveStreamUrl(parseTcUrl(tcUrl), name)).toMatchObject(parts);
    });
  }

  for (const name of ['', '/', ' ', '?token=x', '_definst_']) {
    it(`R033 refuses ${JSON.stringify(name)}`, () => {
      for (const url of ['rtmp://h/live', 'rtmp://h', 'rtmp://h/live?token=x', 'rtmp://h/live/_definst_']) {
        expect(() => resolveStreamUrl(parseTcUrl(url), name)).toThrow(
          expect.objectContaining({ code: 'stream-name' }),
        );
      }
    });
  }

  it('R033 throws nothing but RtmpError, and never gives an empty app or stream', () => {
    const unit = fc.constantFrom(...Array.from('/?&=,. x'), '_definst_', 'vhost', 'domain', '...');
    const text = fc.string({ maxLength: 40, unit });
    fc.assert(
      fc.property(text, text, (path, name) => {
        try {
          const url = resolveStreamUrl(parseTcUrl(`rtmp://h/${path}`), name);
          expect(url.app).not.toBe('');
          expect(url.stream).not.toBe('');
          expect(`/${url.app}/${url.stream}/`).not.toContain('/_definst_/');
        } catch (error) {
          if (!(error instanceof RtmpError)) throw error;
        }
      }),
    );
  });
});
