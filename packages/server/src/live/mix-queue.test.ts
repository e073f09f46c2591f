import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type Frame, FrameKind } from './frame.ts';
import { MAX_MIXED_BYTES, MAX_MIXED_FRAMES } from './limits.ts';
import { MixQueue } from './mix-queue.ts';

const { audio, video } = FrameKind;
const body = new Uint8Array(1);

function frame(kind: FrameKind, timestamp: number, sequenceHeader = false): Frame {
  return {
    kind,
    timestamp,
    sourceTimestamp: timestamp,
    codec: 'h264',
    keyframe: false,
    sequenceHeader,
    body,
  };
}

function times(frames: readonly Frame[]): number[] {
  return frames.map(({ timestamp }) => timestamp);
}

describe('MixQueue', () => {
  it('P017 holds frames until two videos and one audio are there, and sorts them', () => {
    const queue = new MixQueue();
    expect(queue.push(frame(video, 0))).toEqual([]);
    expect(queue.push(frame(video, 40))).toEqual([]);
    expect(times(queue.push(frame(audio, 10)))).toEqual([0]);
    expect(times(queue.push(frame(video, 80)))).toEqual([10]);
    expect(times(queue.push(frame(audio, 30)))).toEqual([30]);
    expect(times(queue.drain())).toEqual([40, 80]);
    expect(queue.drain()).toEqual([]);
  });

  it('P017 keeps the order of frames with the same time', () => {
    const queue = new MixQueue();
    const frames = [frame(video, 0, true), frame(video, 0), frame(video, 0)];
    for (const next of frames) queue.push(next);
    expect(queue.drain()).toEqual(frames);
  });

  it('P017 lets a stream of one track through, late but bounded', () => {
    const queue = new MixQueue();
    const out: Frame[] = [];
    for (let at = 0; at < MAX_MIXED_FRAMES * 2; at += 1) out.push(...queue.push(frame(audio, at)));
    expect(times(out)).toEqual(Array.from({ length: MAX_MIXED_FRAMES }, (_, at) => at));
    expect(queue.drain()).toHaveLength(MAX_MIXED_FRAMES);
  });

  it('P017 holds no more bytes than its limit, but always the newest frame', () => {
    const queue = new MixQueue();
    const large = { ...frame(video, 0), body: new Uint8Array(MAX_MIXED_BYTES) };
    expect(queue.push(large)).toEqual([]);
    expect(queue.push({ ...large, timestamp: 1 })).toEqual([large]);
    expect(queue.drain()).toHaveLength(1);
  });

  it('P017 loses and repeats nothing and keeps the order of each track', () => {
    const step = fc.tuple(fc.constantFrom(audio, video), fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new MixQueue();
        const clock = { [audio]: 0, [video]: 0 } as Record<number, number>;
        const given = steps.map(([kind, delta]) => {
          const time = (clock[kind] ?? 0) + delta;
          clock[kind] = time;
          return frame(kind, time);
        });
        const out = given.flatMap((next) => queue.push(next));
        out.push(...queue.drain());
        for (const kind of [audio, video]) {
          const ofKind = (next: Frame): boolean => next.kind === kind;
          expect(out.filter(ofKind)).toEqual(given.filter(ofKind));
        }
      }),
    );
  });
});
