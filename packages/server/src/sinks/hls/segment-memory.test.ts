import { describe, expect, it } from 'vitest';

import { SegmentMemory } from './segment-memory.ts';
import { HlsRun } from './test-kit.ts';

describe('SegmentMemory', () => {
  it('uses what was given back again, where it is neither too small nor far too large', () => {
    const memory = new SegmentMemory(1024 * 1024);
    const first = memory.take(100_000);
    expect(first).toHaveLength(100_000);
    memory.give(first);
    expect(memory.bytes).toBe(first.buffer.byteLength);
    expect(memory.take(200_000).buffer).not.toBe(first.buffer);
    expect(memory.take(1_000).buffer).not.toBe(first.buffer);
    const again = memory.take(90_000);
    expect(again.buffer).toBe(first.buffer);
    expect(again).toHaveLength(90_000);
    expect(memory.bytes).toBe(0);
  });

  it('keeps no more than its limit, and only shared memory', () => {
    const memory = new SegmentMemory(100_000);
    const pieces = [memory.take(50_000), memory.take(50_000)];
    for (const piece of pieces) memory.give(piece);
    memory.give(new Uint8Array(10));
    expect(memory.bytes).toBe(pieces[0]?.buffer.byteLength);
  });
});

describe('HlsSinks: memory', () => {
  it('memory of a segment that somebody asked for is never written again; that of others is', async () => {
    const run = new HlsRun();
    const publisher = await run.publish();
    publisher.headers();
    await publisher.live(0, 8_000);
    const lent = run.segmentBytes('live/livestream-0.ts');
    const content = Buffer.from(lent);
    await publisher.live(8_000, 40_080);
    const buffers = new Set<ArrayBufferLike>();
    for (let number = 7; number < 10; number += 1) {
      buffers.add(run.segmentBytes(`live/livestream-${number}.ts`).buffer);
    }
    expect(buffers.size).toBe(3);
    expect(buffers.has(lent.buffer)).toBe(false);
    expect(Buffer.from(lent).equals(content)).toBe(true);
  });
});
