import type { KeptPacket } from '@sluice/media/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { audio, video, type VideoOptions } from '../remux/test-kit.ts';
import { GopCache, PURE_AUDIO_FRAMES } from './gop-cache.ts';
import { MAX_GOP_FRAMES } from './limits.ts';
import { packetOf } from './packet-test-kit.ts';

const MAX_BYTES = 1_000_000;

function key(number: number, options: VideoOptions = {}): KeptPacket {
  return packetOf('video', number * 40, video(number, { ...options, key: true }));
}

function inter(number: number, options: VideoOptions = {}): KeptPacket {
  return packetOf('video', number * 40, video(number, options));
}

function sound(number: number, timestamp = number * 40): KeptPacket {
  return packetOf('audio', timestamp, audio(number));
}

function fill(cache: GopCache, frames: readonly KeptPacket[]): void {
  for (const frame of frames) cache.push(frame);
}

/** Frames as text: bodies of tens of kilobytes are slow to compare byte by byte. */
function asText(frames: readonly KeptPacket[]): string[] {
  return frames.map(({ body, ...facts }) => JSON.stringify(facts) + Buffer.from(body).toString('latin1'));
}

describe('GopCache', () => {
  it.each(['h264', 'hevc', 'av1', 'vp6'] as const)(
    'O004 begins at a %s keyframe, audio included',
    (codec) => {
      const cache = new GopCache(MAX_BYTES);
      const gop = [key(3, { codec }), sound(4), inter(5, { codec }), sound(6)];
      fill(cache, [sound(0), inter(1, { codec }), sound(2), ...gop]);
      expect(cache.packets()).toEqual(gop);
      expect(cache.size).toBe(4);
      expect(cache.bytes).toBe(gop.reduce((sum, { body }) => sum + body.length, 0));
    },
  );

  it('copies what it stores, and gives the copy out', () => {
    const cache = new GopCache(MAX_BYTES);
    const frame = key(0);
    const bytes = frame.body.slice();
    expect(cache.push(frame)).toBe(true);
    frame.body.fill(0);
    expect(cache.lastBody).toEqual(bytes);
    // What was given out stays as it is through later GOPs.
    const given = cache.lastBody;
    for (let gop = 1; gop < 40; gop += 1) fill(cache, [key(gop), inter(gop)]);
    expect(given).toEqual(bytes);
    expect(new GopCache(0).push(key(0))).toBe(false);
    expect(new GopCache(MAX_BYTES).lastBody).toBeUndefined();
  });

  it('O004 begins anew with each keyframe and leaves what it gave out as it is', () => {
    const cache = new GopCache(MAX_BYTES);
    fill(cache, [key(0), inter(1)]);
    const given = cache.packets();
    const copy = structuredClone(given);
    for (let gop = 1; gop < 40; gop += 1)
      fill(cache, [key(gop * 10), inter(gop * 10 + 1), sound(gop * 10 + 2)]);
    expect(given).toEqual(copy);
    expect(cache.packets()).toEqual([key(390), inter(391), sound(392)]);
  });

  it('O004 forgets a GOP after more than 115 audio frames without video, until the next keyframe', () => {
    const cache = new GopCache(MAX_BYTES);
    cache.push(key(0));
    for (let count = 0; count < PURE_AUDIO_FRAMES; count += 1) cache.push(sound(count));
    expect(cache.size).toBe(PURE_AUDIO_FRAMES + 1);
    expect(cache.pureAudio).toBe(false);
    cache.push(sound(PURE_AUDIO_FRAMES));
    expect(cache).toMatchObject({ size: 0, bytes: 0, base: undefined, pureAudio: true });
    fill(cache, [sound(200), inter(201), sound(202)]);
    expect(cache.size).toBe(0);
    expect(cache.pureAudio).toBe(false);
    cache.push(key(203));
    expect(cache.packets()).toEqual([key(203)]);
  });

  it('O004 holds no more than its bytes, and nothing of a GOP that is longer', () => {
    const cache = new GopCache(100_000);
    const size = 30_000;
    fill(cache, [key(0, { size }), inter(1, { size }), inter(2, { size })]);
    expect(cache.bytes).toBe(90_000);
    cache.push(inter(3, { size }));
    expect(cache).toMatchObject({ size: 0, bytes: 0 });
    fill(cache, [inter(4, { size }), sound(5)]);
    expect(cache.size).toBe(0);
    cache.push(key(6, { size: 100_001 }));
    expect(cache.size).toBe(0);
    cache.push(key(7, { size: 99_900 }));
    expect(cache.size).toBe(1);
  });

  it('O004 holds no more than its frames, however small they are', () => {
    const cache = new GopCache(MAX_BYTES, 100);
    fill(cache, [key(0), ...Array.from({ length: 99 }, (_, at) => inter(at + 1))]);
    expect(cache.size).toBe(100);
    cache.push(inter(100));
    expect(cache.size).toBe(0);
    cache.push(key(101));
    expect(cache.size).toBe(1);
    cache.limit(100 * MAX_BYTES, 0);
    for (let at = 1; at < MAX_GOP_FRAMES; at += 1) cache.push(packetOf('video', at, video(1)));
    expect(cache.size).toBe(MAX_GOP_FRAMES);
    cache.push(inter(1));
    expect(cache.size).toBe(0);
  });

  it('O004 counts what it keeps of a frame besides its body', () => {
    const cache = new GopCache(10_000);
    cache.push(key(0));
    const before = cache.bytes;
    for (let at = 0; at < 300 && cache.size > 0; at += 1)
      cache.push(packetOf('video', at, Uint8Array.of(0x22)));
    expect(before).toBeLessThan(1_000);
    expect(cache.size).toBe(0);
  });

  it('O004 gop_cache off holds nothing, and still knows pure audio', () => {
    const cache = new GopCache(0);
    fill(cache, [key(0), inter(1), sound(2)]);
    expect(cache).toMatchObject({ size: 0, bytes: 0, base: undefined });
    for (let count = 0; count < PURE_AUDIO_FRAMES; count += 1) cache.push(sound(count));
    expect(cache.pureAudio).toBe(true);
  });

  it('its base is the earliest of the first frames, and stays once asked for', () => {
    const cache = new GopCache(MAX_BYTES);
    fill(cache, [key(10), sound(11, 385), sound(12, 408)]);
    expect(cache.base).toBe(385);
    cache.push(sound(13, 100));
    expect(cache.base).toBe(385);
    cache.push(key(20));
    expect(cache.base).toBe(800);
    cache.clear();
    expect(cache.base).toBeUndefined();
  });

  it('gives back the frames it was given, whatever their sizes', () => {
    const item = fc.record({
      kind: fc.constantFrom('key', 'inter', 'audio'),
      size: fc.oneof(fc.integer({ min: 10, max: 200 }), fc.integer({ min: 10_000, max: 40_000 })),
      look: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const cache = new GopCache(MAX_BYTES * 10);
        let expected: KeptPacket[] = [];
        const givenOut: { frames: readonly KeptPacket[]; copy: readonly KeptPacket[] }[] = [];
        items.forEach(({ kind, size, look }, number) => {
          const frame =
            kind === 'audio'
              ? packetOf('audio', number, audio(number, { size }))
              : packetOf('video', number, video(number, { size, key: kind === 'key' }));
          if (frame.keyframe) expected = [];
          if (frame.keyframe || expected.length > 0) expected.push(frame);
          cache.push(frame);
          if (look) givenOut.push({ frames: cache.packets(), copy: expected.slice() });
        });
        expect(asText(cache.packets())).toEqual(asText(expected));
        for (const { frames, copy } of givenOut) expect(asText(frames)).toEqual(asText(copy));
      }),
      { numRuns: 50 },
    );
  });
});
