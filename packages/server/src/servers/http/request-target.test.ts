import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodedTarget, hostName, isCleanPath, originForm, readRequestTarget } from './request-target.ts';

describe('readRequestTarget', () => {
  it('reads path, query and host', () => {
    const target = readRequestTarget('/live/a%20b.flv?token=1&token=2', 'Live.Example.com:8080');
    expect(target).toMatchObject({
      path: '/live/a b.flv',
      rawPath: '/live/a%20b.flv',
      search: '?token=1&token=2',
      host: 'live.example.com',
    });
    expect(target?.query.getAll('token')).toEqual(['1', '2']);
  });

  it('lets ?vhost= choose the host (spec 5.8)', () => {
    expect(readRequestTarget('/live/a.flv?vhost=Other.example', 'live.example.com')?.host).toBe(
      'other.example',
    );
  });

  it.each([
    ['?domain=Other.example', 'other.example'],
    ['?x=1&domain=other.example', 'other.example'],
    ['?domain=a.example&vhost=other.example', 'other.example'],
    ['?vhost=&domain=other.example', 'other.example'],
    ['?vhost=', 'live.example.com'],
    ['?subdomain=other.example', 'live.example.com'],
  ])('R032 lets %s choose the host %s', (search, host) => {
    expect(readRequestTarget(`/live/a.flv${search}`, 'live.example.com')?.host).toBe(host);
  });

  it.each([
    '',
    'live/a.flv',
    '//live/a.flv',
    '/live//a.flv',
    '/..',
    '/../etc/passwd',
    '/a/../b',
    '/a/./b',
    '/a/%2e%2e/b',
    '/a%2f..%2fb',
    '/a%00.flv',
    '/a\0',
    '/a%',
    '/a%zz',
    '/a%ff',
    '/..?x',
  ])('H002 refuses the unclean path %j', (target) => {
    expect(readRequestTarget(target, 'host')).toBeUndefined();
  });

  it.each([
    ['/live/a%09b.m3u8', '/live/a\tb.m3u8', '/live/a%09b.m3u8'],
    ['/live/a%01%0d%0A.m3u8', '/live/a\u0001\r\n.m3u8', '/live/a%01%0D%0A.m3u8'],
    ['/live/a%7f%C2%85.m3u8', '/live/a\u007f\u0085.m3u8', '/live/a%7F%85.m3u8'],
    ['/live/a%5cb.m3u8', '/live/a\\b.m3u8', '/live/a%5Cb.m3u8'],
    ['/live/..%5c..%5cb', '/live/..\\..\\b', '/live/..%5C..%5Cb'],
    ['/live/a%2509b.m3u8', '/live/a%09b.m3u8', '/live/a%09b.m3u8'],
    [`/live/%E7%9B%B4%20%22'%23%3F`, `/live/直 "'#?`, `/live/直 "'#?`],
  ])('finds %j by the name of the stream or of its file', (target, path, filePath) => {
    expect(readRequestTarget(target, 'host')).toMatchObject({ path, filePath, rawPath: target });
  });

  it('takes bytes beyond ASCII as UTF-8', () => {
    const target = Buffer.from('/live/直播.flv?token=播').toString('latin1');
    expect(readRequestTarget(target, 'host')).toMatchObject({
      path: '/live/直播.flv',
      rawPath: '/live/%E7%9B%B4%E6%92%AD.flv',
      search: '?token=%E6%92%AD',
    });
    expect(readRequestTarget('/live/\xe9.flv', 'host')).toBeUndefined();
  });

  it('gives a clean path or nothing, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string(), (target, host) => {
        const read = readRequestTarget(target, host);
        expect(read === undefined || isCleanPath(read.filePath)).toBe(true);
      }),
    );
  });
});

describe('hostName', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com:8080', 'example.com'],
    ['[::1]:8080', '[::1]'],
    ['[::1]', '[::1]'],
    ['', ''],
  ])('%j is %j', (header, name) => {
    expect(hostName(header)).toBe(name);
  });
});

describe('originForm', () => {
  it.each([
    ['/a?b', '/a?b'],
    ['http://example.com/a?b', '/a?b'],
    ['HTTP://example.com:80', '/'],
    ['http://example.com?b', '/?b'],
    ['*', '*'],
  ])('%j is %j', (target, expected) => {
    expect(originForm(target)).toBe(expected);
  });
});

describe('encodedTarget', () => {
  it.each([
    ['GET /live/直.flv?a=播 HTTP/1.1\r\nHost: a\r\n\r\n', '/live/%E7%9B%B4.flv?a=%E6%92%AD'],
    ['HEAD /é HTTP/1.0\r\n', '/%C3%A9'],
    ['GET /a HTTP/1.1\r\n', undefined],
    ['GET /直', undefined],
    ['GET /直 b HTTP/1.1\r\n', undefined],
    ['GET /直\x01 HTTP/1.1\r\n', undefined],
    ['GET http://é/ HTTP/1.1\r\n', undefined],
    ['POST /é HTTP/1.1\r\n', undefined],
    ['', undefined],
  ])('%j: %s', (packet, target) => {
    expect(encodedTarget(Buffer.from(packet))).toBe(target);
  });
});
