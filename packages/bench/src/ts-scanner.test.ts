import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BenchError } from './errors.ts';
import { TsScanner } from './ts-scanner.ts';

/** A packet with the given header bytes behind the sync byte, filled up with 0xff. */
function packet(...head: number[]): Uint8Array {
  const bytes = new Uint8Array(188).fill(0xff);
  bytes.set([0x47, ...head]);
  return bytes;
}

const tables = packet(0x40, 0, 0x10, 0, 0, 0xb0);
const keyframe = packet(0x41, 0, 0x30, 7, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xe0);
const more = packet(0x01, 0, 0x11);
const stuffed = packet(0x01, 0, 0x31, 0);
const audio = packet(0x41, 1, 0x10, 0, 0, 1, 0xc0);
const frame = packet(0x41, 0, 0x30, 1, 0x00, 0, 0, 1, 0xe0);
const adaptationOnly = packet(0x41, 0, 0x20, 183);
const stream = Buffer.concat([tables, keyframe, more, stuffed, audio, frame, adaptationOnly]);

function scan(bytes: Uint8Array, step: number): boolean[] {
  const seen: boolean[] = [];
  const scanner = new TsScanner((isKeyframe) => seen.push(isKeyframe));
  for (let at = 0; at < bytes.length; at += step) scanner.write(bytes.subarray(at, at + step));
  return seen;
}

describe('TsScanner', () => {
  it.each([1, 7, 187, 188, 189, 100_000])('finds frames and keyframes in steps of %i bytes', (step) => {
    expect(scan(stream, step)).toEqual([true, false, false]);
  });

  it.each([1, 188, 100_000])('refuses a packet without its sync byte, in steps of %i bytes', (step) => {
    const lost = Buffer.concat([stream, Buffer.alloc(188)]);
    expect(() => scan(lost, step)).toThrow(/packet 7/);
    expect(() => scan(Buffer.from('FLV'.repeat(100)), step)).toThrow(BenchError);
  });

  it('throws nothing but BenchError for mutated packets', () => {
    fc.assert(
      fc.property(fc.nat(stream.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const mutated = Buffer.from(stream);
        mutated[at] = value;
        try {
          scan(mutated, 100);
        } catch (error) {
          expect(error).toBeInstanceOf(BenchError);
        }
      }),
    );
  });
});
