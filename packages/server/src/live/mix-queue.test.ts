import { createAudioTrack, createPacket, createVideoTrack, type KeptPacket } from '@sluice/media/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MAX_MIXED_BYTES, MAX_MIXED_FRAMES } from './limits.ts';
import { MixQueue } from './mix-queue.ts';

const audio = createAudioTrack('aac');
const video = createVideoTrack('h264');

function packet(
  track: typeof audio | typeof video,
  decodeTime: number,
  type: 'media' | 'configuration' = 'media',
  body = new Uint8Array(1),
): KeptPacket {
  return createPacket({ track, type, decodeTime, body }, false);
}

function times(packets: readonly KeptPacket[]): number[] {
  return packets.map(({ timestamp }) => timestamp);
}

describe('MixQueue', () => {
  it('P017 holds frames until two videos and one audio are there, and sorts them', () => {
    const queue = new MixQueue();
    expect(queue.push(packet(video, 0))).toEqual([]);
    expect(queue.push(packet(video, 40))).toEqual([]);
    expect(times(queue.push(packet(audio, 10)))).toEqual([0]);
    expect(times(queue.push(packet(video, 80)))).toEqual([10]);
    expect(times(queue.push(packet(audio, 30)))).toEqual([30]);
    expect(times(queue.drain())).toEqual([40, 80]);
    expect(queue.drain()).toEqual([]);
  });

  it('P017 keeps the order of frames with the same time', () => {
    const queue = new MixQueue();
    const packets = [packet(video, 0, 'configuration'), packet(video, 0), packet(video, 0)];
    for (const next of packets) queue.push(next);
    expect(queue.drain()).toEqual(packets);
  });

  it('P017 lets a stream of one track through, late but bounded', () => {
    const queue = new MixQueue();
    const out: KeptPacket[] = [];
    for (let at = 0; at < MAX_MIXED_FRAMES * 2; at += 1) out.push(...queue.push(packet(audio, at)));
    expect(times(out)).toEqual(Array.from({ length: MAX_MIXED_FRAMES }, (_, at) => at));
    expect(queue.drain()).toHaveLength(MAX_MIXED_FRAMES);
  });

  it('P017 holds no more bytes than its limit, but always the newest frame', () => {
    const queue = new MixQueue();
    const large = packet(video, 0, 'media', new Uint8Array(MAX_MIXED_BYTES));
    expect(queue.push(large)).toEqual([]);
    expect(queue.push(large.at(1))).toEqual([large]);
    expect(queue.drain()).toHaveLength(1);
  });

  it('P017 loses and repeats nothing and keeps the order of each track', () => {
    const step = fc.tuple(fc.constantFrom(audio, video), fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new MixQueue();
        const clock = { audio: 0, video: 0 };
        const given = steps.map(([track, delta]) => {
          const time = clock[track.kind] + delta;
          clock[track.kind] = time;
          return packet(track, time);
        });
        const out = given.flatMap((next) => queue.push(next));
        out.push(...queue.drain());
        for (const track of [audio, video]) {
          const ofTrack = (next: KeptPacket): boolean => next.track === track;
          expect(out.filter(ofTrack)).toEqual(given.filter(ofTrack));
        }
      }),
    );
  });
});
