import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { flvPictureSize } from './picture-size.ts';
import type { VideoCodec } from '../model/index.ts';

/** Fields of so many bits each, most significant first, padded to bytes. */
function bits(...fields: readonly (readonly [value: number, count: number])[]): Uint8Array {
  const text = fields.map(([value, count]) => value.toString(2).padStart(count, '0')).join('');
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, '0');
  return Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

function h263(code: number, ...size: readonly (readonly [number, number])[]): Uint8Array {
  return bits([1, 17], [1, 5], [77, 8], [code, 3], ...size, [0, 16]);
}

const vp6Head = [
  [0, 1],
  [30, 6],
  [0, 1],
  [6, 5],
  [0, 2],
  [0, 1],
  [0, 16],
] as const;

describe('flvPictureSize', () => {
  it.each<[string, VideoCodec, Uint8Array, { width: number; height: number } | undefined]>([
    ['H.263 in 8 bits', 'h263', h263(0, [200, 8], [120, 8]), { width: 200, height: 120 }],
    ['H.263 in 16 bits', 'h263', h263(1, [1280, 16], [720, 16]), { width: 1280, height: 720 }],
    ['H.263 CIF', 'h263', h263(2), { width: 352, height: 288 }],
    ['H.263 QCIF', 'h263', h263(3), { width: 176, height: 144 }],
    ['H.263 SQCIF', 'h263', h263(4), { width: 128, height: 96 }],
    ['H.263 320x240', 'h263', h263(5), { width: 320, height: 240 }],
    ['H.263 160x120', 'h263', h263(6), { width: 160, height: 120 }],
    ['H.263 of the reserved size', 'h263', h263(7), undefined],
    ['H.263 of no size', 'h263', h263(0, [0, 8], [120, 8]), undefined],
    ['H.263 without its start code', 'h263', Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7), undefined],
    ['H.263 that is cut', 'h263', h263(1, [1280, 16]).subarray(0, 6), undefined],
    ['Screen video', 'screen', bits([3, 4], [640, 12], [3, 4], [360, 12]), { width: 640, height: 360 }],
    ['Screen video 2', 'screen2', bits([3, 4], [641, 12], [3, 4], [361, 12]), { width: 641, height: 361 }],
    [
      'VP6',
      'vp6',
      bits([8, 4], [0, 4], ...vp6Head, [23, 8], [40, 8], [23, 8], [40, 8]),
      { width: 632, height: 368 },
    ],
    [
      'VP6 with alpha',
      'vp6a',
      bits([0, 8], [99, 24], ...vp6Head, [2, 8], [3, 8], [2, 8], [3, 8]),
      { width: 48, height: 32 },
    ],
    ['VP6 between keyframes', 'vp6', Uint8Array.of(0, 0x80, 1, 2, 3, 4, 5, 6, 7), undefined],
    ['a codec with a sequence header', 'h264', h263(2), undefined],
  ])('P012 %s', (_, codec, payload, size) => {
    expect(flvPictureSize(codec, payload)).toEqual(size);
  });

  it('throws for nothing, and a size has pixels', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<VideoCodec>('h263', 'screen', 'screen2', 'vp6', 'vp6a', 'h264'),
        fc.uint8Array({ maxLength: 24 }),
        (codec, payload) => {
          const size = flvPictureSize(codec, payload);
          expect(size === undefined || (size.width > 0 && size.height > 0)).toBe(true);
        },
      ),
    );
  });
});
