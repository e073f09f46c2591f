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
];

const streams: readonly (readonly [string, string, Record<string, string>])[] = [
  ['rtmp://h/live', 'x', { stream: 'x', vhost: 'h', param: '' }],
  ['rtmp://h/live', ' /x/ ', { stream: 'x' }],
  ['rtmp://h/live', 'x?vhost=V&token=t', { stream: 'x', vhost: 'V', param: '?vhost=V&token=t' }],
  ['rtmp://h/live?vhost=A', 'x?vhost=V', { vhost: 'V', param: '?vhost=A&vhost=V' }],
  ['rtmp://h/live?vhost=A', 'x?token=t', { vhost: 'A', param: '?vhost=A&token=t' }],
  ['rtmp://h/live', 'mp4:a/b', { stream: 'mp4:a/b' }],
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
    'rtmp://h',
    'rtmp://h/',
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

  for (const name of ['', '/', ' ', '?token=x']) {
    it(`R033 refuses ${JSON.stringify(name)}`, () => {
      expect(() => resolveStreamUrl(parseTcUrl('rtmp://h/live'), name)).toThrow(
        expect.objectContaining({ code: 'stream-name' }),
      );
    });
  }
});
