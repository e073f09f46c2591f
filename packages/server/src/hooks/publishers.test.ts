import { describe, expect, it } from 'vitest';

import { Publishers, streamKey } from './publishers.ts';
import { clientOf, hookedVhost } from './test-kit.ts';

const vhost = hookedVhost({});
const key = streamKey(clientOf(vhost));

describe('Publishers', () => {
  it('K008 knows the publisher of a stream while it publishes and afterwards', () => {
    const publishers = new Publishers({ maxEntries: 10, keepMs: 60_000 });
    publishers.began(clientOf(vhost, { id: 'a' }));
    publishers.ended('a');
    publishers.ended('a');
    expect(publishers.ofStream(key)).toMatchObject({ id: 'a', ip: '192.0.2.7', param: '?token=abc' });
    publishers.began(clientOf(vhost, { id: 'b' }));
    expect(publishers.ofStream(key)?.id).toBe('b');
    expect([publishers.streamOf('a'), publishers.streamOf('b'), publishers.streamOf('c')]).toEqual([
      key,
      key,
      undefined,
    ]);
  });

  it('K008 forgets those that went: the first ones when they are too many, all when it is long ago', () => {
    const publishers = new Publishers({ maxEntries: 5, keepMs: 60_000 });
    for (let index = 0; index < 1000; index += 1) {
      publishers.began(clientOf(vhost, { id: `c${index}`, stream: `s${index}` }));
      publishers.ended(`c${index}`);
    }
    expect(publishers.size).toBe(5);
    expect(publishers.streamOf('c999')).toBeDefined();

    const short = new Publishers({ maxEntries: 5, keepMs: 0 });
    short.began(clientOf(vhost));
    expect(short.size).toBe(1);
    short.ended('client01');
    expect([short.size, short.ofStream(key)]).toEqual([0, undefined]);
  });

  it('K008 a client that publishes again, or another stream, is one client', () => {
    const publishers = new Publishers({ maxEntries: 1, keepMs: 60_000 });
    for (let round = 0; round < 10; round += 1) publishers.began(clientOf(vhost, { stream: `s${round}` }));
    expect(publishers.size).toBe(1);
    expect(publishers.streamOf('client01')).toBe('__defaultVhost__/live/s9');
    publishers.ended('client01');
    expect(publishers.ofStream('__defaultVhost__/live/s9')?.id).toBe('client01');
    expect(publishers.ofStream('__defaultVhost__/live/s1')).toBeUndefined();
  });
});
