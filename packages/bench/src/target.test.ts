import { describe, expect, it } from 'vitest';
import { BenchError } from './errors.ts';
import { numberedTarget, parseTarget } from './target.ts';

describe('parseTarget', () => {
  it('takes RTMP URLs apart: the last segment is the stream, queries stay with it', () => {
    expect(parseTarget('rtmp://example.com/live/a/b?token=1/2')).toMatchObject({
      protocol: 'rtmp',
      host: 'example.com',
      port: 1935,
      app: 'live/a',
      stream: 'b?token=1/2',
      tcUrl: 'rtmp://example.com:1935/live/a',
    });
  });

  it('takes ports and IPv6 addresses', () => {
    expect(parseTarget('rtmp://[::1]:1936/live/s')).toMatchObject({
      host: '::1',
      port: 1936,
      tcUrl: 'rtmp://[::1]:1936/live',
    });
    expect(parseTarget('floor://127.0.0.1:9')).toMatchObject({ protocol: 'floor', port: 9, path: '' });
  });

  it('keeps path and query of HTTP and WebSocket URLs', () => {
    expect(parseTarget('http://h:8080/live/s.flv?x=1')).toMatchObject({
      port: 8080,
      path: '/live/s.flv?x=1',
    });
    expect(parseTarget('ws://h/live/s.flv')).toMatchObject({ protocol: 'ws', port: 80, path: '/live/s.flv' });
  });

  it.each([
    '',
    'live/s',
    'https://h/s.flv',
    'rtmp:///live/s',
    'rtmp://h',
    'rtmp://h/live',
    'rtmp://h/live/',
    'rtmp://h:0/a/b',
    'rtmp://h:70000/a/b',
  ])('refuses %j', (url) => {
    expect(() => parseTarget(url)).toThrow(BenchError);
  });

  it('puts the number into the stream name and the path', () => {
    expect(numberedTarget(parseTarget('rtmp://h/live/s{n}'), 7).stream).toBe('s7');
    expect(numberedTarget(parseTarget('http://h/live/s{n}.flv'), 7).path).toBe('/live/s7.flv');
  });
});
