import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BlockPool } from './block-pool.ts';
import { DiskWriter } from './disk-writer.ts';
import { BLOCK_BYTES, HAND_OVER_BYTES } from './limits.ts';
import { FakeDisk, gate, settle } from './test-kit.ts';

async function writer() {
  const disk = new FakeDisk();
  const pool = new BlockPool(1_000_000_000);
  const failures: unknown[] = [];
  const file = await disk.open('x', 'create');
  const events = { onFailure: (error: unknown) => failures.push(error), onWritten: () => undefined };
  return { disk, pool, failures, writer: new DiskWriter(file, pool, 0, events) };
}

describe('DiskWriter', () => {
  it('gives the disk what was put, in order, whatever the pieces and the flushes', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: BLOCK_BYTES * 2 }),
        fc.constantFrom('flush' as const, 'settle' as const, 'patch' as const),
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { disk, pool, writer: to } = await writer();
        const put: Uint8Array[] = [];
        let patched = false;
        for (const [index, step] of plan.entries()) {
          if (step === 'flush') to.flush();
          else if (step === 'settle') await settle();
          else if (step === 'patch') {
            if (to.position === 0) continue;
            to.patch([{ position: 0, bytes: Uint8Array.of(0xff) }]);
            patched = true;
          } else {
            const piece = new Uint8Array(step).fill(index);
            to.put(piece);
            put.push(piece);
          }
        }
        await to.drain();
        const expected = Buffer.concat(put);
        if (patched) expected[0] = 0xff;
        expect(Buffer.compare(disk.bytes('x'), expected)).toBe(0);
        expect(to.position).toBe(expected.length);
        expect(to.waitingBytes + pool.waitingBytes).toBe(0);
        await to.close();
        expect(pool.usedBlocks).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('writes by itself when much has gathered, and one thing at a time', async () => {
    const { disk, writer: to } = await writer();
    const slow = gate();
    disk.gate = slow.closed;
    const piece = new Uint8Array(10_000);
    while (to.position <= HAND_OVER_BYTES) to.put(piece);
    await settle();
    expect(to.waitingBytes).toBe(to.position);
    for (let count = 0; count < 50; count += 1) to.put(piece);
    slow.open();
    await settle();
    expect(disk.writes).toBe(2);
    await to.drain();
    expect(disk.bytes('x')).toHaveLength(to.position);
  });

  it('tells of a failure once, gives up what waits, and counts it no more', async () => {
    const { disk, pool, failures, writer: to } = await writer();
    disk.failure = 'full';
    to.put(new Uint8Array(300_000));
    to.flush();
    await settle();
    expect(failures).toHaveLength(1);
    expect(pool.waitingBytes).toBe(0);
    await expect(to.drain()).rejects.toThrow('full');
    await to.abandon();
    expect(failures).toHaveLength(1);
    expect(pool.usedBlocks).toBe(0);
  });

  it('what is given up while the disk is busy is not written', async () => {
    const { disk, pool, failures, writer: to } = await writer();
    const slow = gate();
    disk.gate = slow.closed;
    to.put(new Uint8Array(10));
    to.flush();
    to.put(new Uint8Array(20));
    const given = to.abandon();
    slow.open();
    await given;
    expect(disk.bytes('x')).toHaveLength(10);
    expect([failures.length, pool.waitingBytes]).toEqual([0, 0]);
  });
});

describe('BlockPool', () => {
  it('uses blocks again, also when many come back together', () => {
    const pool = new BlockPool(10);
    const blocks = Array.from({ length: 100 }, () => pool.take(1));
    expect(new Set(blocks).size).toBe(100);
    for (const block of blocks.slice(0, 50)) pool.give(block);
    const again = Array.from({ length: 50 }, () => pool.take(1));
    expect(again.every((block) => blocks.includes(block))).toBe(true);
    expect(pool.take(BLOCK_BYTES + 1)).toHaveLength(BLOCK_BYTES + 1);
    expect(pool.usedBlocks).toBe(100);
  });
});
