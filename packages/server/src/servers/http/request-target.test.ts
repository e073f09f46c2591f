import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostName, isCleanPath, originForm, readRequestTarget } from './request-target.ts';

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
    '/a/..%5cb',
    '/a\\b',
    '/a%00.flv',
    '/a%0d%0aX: 1',
    '/a%',
    '/a%zz',
    '/a%ff',
    '/..?x',
  ])('H002 refuses the unclean path %j', (target) => {
    expect(readRequestTarget(target, 'host')).toBeUndefined();
  });

  it('gives a clean path or nothing, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string(), (target, host) => {
        const read = readRequestTarget(target, host);
        expect(read === undefined || isCleanPath(read.path)).toBe(true);
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
