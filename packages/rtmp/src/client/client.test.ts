import { describe, expect, it } from 'vitest';
import { MediaMessage } from '../session/index.ts';
import { MediaQueue } from './media-queue.ts';
import { parseRtmpUrl } from './rtmp-url.ts';

const urls: readonly (readonly [string, object])[] = [
  [
    'rtmp://h/live/x',
    { secure: false, host: 'h', port: 1935, tcUrl: 'rtmp://h/live', app: 'live', streamName: 'x' },
  ],
  [
    'rtmp://h:19350/live/x?token=a/b',
    { port: 19_350, tcUrl: 'rtmp://h:19350/live', streamName: 'x?token=a/b' },
  ],
  ['rtmp://h/live?vhost=V/x', { tcUrl: 'rtmp://h/live?vhost=V', app: 'live?vhost=V', streamName: 'x' }],
  ['rtmp://h/a/b/x', { app: 'a/b', streamName: 'x' }],
  ['rtmps://h/live/x', { secure: true, port: 443, tcUrl: 'rtmps://h/live' }],
  ['rtmp://[::1]/live/x', { host: '::1', tcUrl: 'rtmp://[::1]/live' }],
  ['rtmp://h/live', { app: 'live', streamName: '' }],
];

describe('parseRtmpUrl', () => {
  for (const [url, parts] of urls) {
    it(`takes ${url} apart`, () => {
      expect(parseRtmpUrl(url)).toMatchObject(parts);
    });
  }

  for (const url of ['', 'http://h/a/b', 'rtmp://h', 'rtmp://h/', 'rtmp:///a/b', 'rtmp://h:0/a/b']) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      expect(() => parseRtmpUrl(url)).toThrow(expect.objectContaining({ code: 'tc-url' }));
    });
  }
});

function message(timestamp: number, length = 1): MediaMessage {
  return new MediaMessage('audio', timestamp, new Uint8Array(length));
}

describe('MediaQueue', () => {
  it('hands over in order, whether the consumer or the source comes first', async () => {
    const queue = new MediaQueue({
      highWaterBytes: 100,
      onFull: () => undefined,
      onDrained: () => undefined,
    });
    const early = queue.next();
    queue.push(message(1));
    queue.push(message(2));
    queue.end();
    queue.push(message(3));
    expect((await early).value?.timestamp).toBe(1);
    expect((await queue.next()).value?.timestamp).toBe(2);
    expect((await queue.next()).done).toBe(true);
    expect((await queue.next()).done).toBe(true);
  });

  it('asks the source to stop when full and to go on when empty', async () => {
    const calls: string[] = [];
    const queue = new MediaQueue({
      highWaterBytes: 10,
      onFull: () => calls.push('full'),
      onDrained: () => calls.push('drained'),
    });
    queue.push(message(1, 6));
    queue.push(message(2, 6));
    queue.push(message(3, 6));
    expect(calls).toEqual(['full']);
    await queue.next();
    await queue.next();
    expect(calls).toEqual(['full']);
    await queue.next();
    expect(calls).toEqual(['full', 'drained']);
  });

  it('gives an error once, behind the last message', async () => {
    const queue = new MediaQueue({ highWaterBytes: 10, onFull: () => undefined, onDrained: () => undefined });
    queue.push(message(1));
    queue.end(new Error('broken'));
    expect((await queue.next()).done).toBe(false);
    await expect(queue.next()).rejects.toThrow('broken');
    expect((await queue.next()).done).toBe(true);
    const waiting = new MediaQueue({
      highWaterBytes: 10,
      onFull: () => undefined,
      onDrained: () => undefined,
    });
    const pending = waiting.next();
    waiting.end(new Error('broken'));
    await expect(pending).rejects.toThrow('broken');
  });
});
