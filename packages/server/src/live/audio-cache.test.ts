import { createPacket, type KeptPacket } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { AudioCache } from './audio-cache.ts';
import { MAX_AUDIO_CACHE_BYTES, MAX_AUDIO_CACHE_FRAMES } from './limits.ts';
import { packetOf } from './packet-test-kit.ts';

function audio(timestamp: number, bytes = 4): KeptPacket {
  const body = new Uint8Array(bytes);
  body.set([0xaf, 1]);
  return packetOf('audio', timestamp, body);
}

describe('AudioCache', () => {
  it('H011 keeps the last fast_cache seconds of audio', () => {
    const cache = new AudioCache(1_000);
    for (let time = 0; time <= 3_000; time += 100) cache.push(audio(time));
    expect(cache.packets[0]?.timestamp).toBe(2_000);
    expect(cache.packets.at(-1)?.timestamp).toBe(3_000);
    expect(cache.bytes).toBe(cache.packets.length * 4);
  });

  it('keeps nothing when it is off, and neither video nor headers', () => {
    const off = new AudioCache(0);
    off.push(audio(0));
    expect(off.packets).toEqual([]);
    const cache = new AudioCache(1_000);
    cache.push(packetOf('audio', 0, Uint8Array.of(0xaf, 0, 0x12, 0x10)));
    cache.push(packetOf('video', 0, Uint8Array.of(0x17, 1, 0, 0, 0, 1)));
    expect(cache.bytes).toBe(0);
  });

  it('copies what it is lent, and forgets the old after a step back in time', () => {
    const cache = new AudioCache(1_000);
    const lent = createPacket(audio(5_000), true);
    cache.push(lent);
    lent.body.fill(0xff);
    expect(cache.packets[0]?.body[0]).toBe(0xaf);
    cache.push(audio(100));
    expect(cache.packets.map(({ timestamp }) => timestamp)).toEqual([100]);
  });

  it('holds no more than its limit', () => {
    const cache = new AudioCache(600_000);
    for (let time = 0; time < 100; time += 1) cache.push(audio(time, 65_536));
    expect(cache.bytes).toBeLessThanOrEqual(MAX_AUDIO_CACHE_BYTES);
  });

  it('holds no more frames than its limit, however small they are', () => {
    const cache = new AudioCache(600_000);
    for (let at = 0; at < 3 * MAX_AUDIO_CACHE_FRAMES; at += 1) cache.push(audio(at >> 4, 2));
    expect(cache.packets).toHaveLength(MAX_AUDIO_CACHE_FRAMES);
    expect(cache.bytes).toBe(2 * MAX_AUDIO_CACHE_FRAMES);
    cache.clear();
    expect(cache.packets).toEqual([]);
  });
});
