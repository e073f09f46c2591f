import { createPacket, createVideoTrack, type KeptPacket } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { BatchLog } from './batch-log.ts';
import { TrackBit } from './fan-out-format.ts';
import { FRAME_COST_BYTES } from './limits.ts';

const track = createVideoTrack('h264');

function packet(decodeTime: number, keyframe = false): KeptPacket {
  return createPacket({ track, decodeTime, keyframe, body: new Uint8Array(1) }, false);
}

function push(log: BatchLog, size: number, packets: readonly KeptPacket[]): void {
  log.push({ bytes: new Uint8Array(size), packets, offsets: [0], tracks: TrackBit.video, restarts: 0 });
}

describe('BatchLog', () => {
  it('numbers batches, knows their last keyframe and what it costs to keep them from any of them on', () => {
    const log = new BatchLog();
    expect(log.head).toBe(0);
    expect(log.newest).toBeUndefined();
    push(log, 10, [packet(0, true), packet(40), packet(80, true), packet(120)]);
    push(log, 20, [packet(160)]);
    push(log, 30, [packet(200)]);
    expect(log.at(0)).toMatchObject({ sequence: 0, keyframe: 2, lastTimestamp: 120 });
    expect(log.at(1)).toMatchObject({ sequence: 1, keyframe: -1 });
    expect(log.newest?.sequence).toBe(2);
    expect([0, 1, 2, 3].map((from) => log.costFrom(from))).toEqual([
      60 + 6 * FRAME_COST_BYTES,
      50 + 2 * FRAME_COST_BYTES,
      30 + FRAME_COST_BYTES,
      0,
    ]);
    expect(log.bytes).toBe(60);
  });

  it('forgets from the front, and keeps its numbers', () => {
    const log = new BatchLog();
    for (let count = 0; count < 5; count += 1) push(log, 10, [packet(count)]);
    log.trim(3);
    log.trim(1);
    expect(log).toMatchObject({ head: 5, bytes: 20 });
    expect(log.at(2)).toBeUndefined();
    expect(log.at(3)?.sequence).toBe(3);
    expect(log.costFrom(0)).toBe(20 + 2 * FRAME_COST_BYTES);
    expect(log.costFrom(4)).toBe(10 + FRAME_COST_BYTES);
    log.trim(99);
    expect(log).toMatchObject({ head: 5, bytes: 0 });
    push(log, 7, [packet(9)]);
    expect(log.newest?.sequence).toBe(5);
    expect(log.costFrom(5)).toBe(7 + FRAME_COST_BYTES);
  });
});
