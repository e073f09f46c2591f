import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { bytesEqual, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MP4_LIMITS, Mp4Recording } from './index.ts';

const AAC = hexToBytes('121056e500');
/** H.264 of 320 x 180, as ffmpeg wrote it. */
const AVC = hexToBytes(
  '0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000468ef8fcbfdf8f800',
);

/** What is known of one sample. */
interface Sample {
  readonly step: number;
  readonly offset: number;
  readonly keyframe: boolean;
  readonly bytes: number;
  /** The fragment ends behind it. */
  readonly cut: boolean;
}

function record(samples: Iterable<Sample>, recording = newRecording()): Mp4Recording {
  const data = new Uint8Array(400);
  let dts = 0;
  for (const { step, offset, keyframe, bytes, cut } of samples) {
    recording.add(1, dts, offset, keyframe, data.subarray(0, bytes));
    recording.add(2, dts * 44, 0, true, data.subarray(0, bytes));
    dts += step;
    if (cut) write(recording);
  }
  write(recording);
  return recording;
}

function newRecording(): Mp4Recording {
  return new Mp4Recording([
    { id: 1, codec: 'h264', configuration: AVC },
    { id: 2, codec: 'aac', configuration: AAC },
  ]);
}

function write(recording: Mp4Recording): void {
  const fragment = recording.cut();
  if (fragment !== undefined) recording.written(fragment);
}

/** Samples whose tables have a row for each: no two neighbours are alike. */
function* irregular(count: number): Generator<Sample> {
  for (let index = 0; index < count; index++) {
    yield {
      step: 20 + (index % 2),
      offset: (index % 3) * 40,
      keyframe: index % 2 === 0,
      bytes: 1 + (index % 300),
      cut: index % 10 === 9,
    };
  }
}

describe('the end of an MP4 recording in pieces', () => {
  it('is that of finish(), for any samples', () => {
    const sample = fc.record({
      step: fc.integer({ min: 1, max: 100 }),
      offset: fc.integer({ min: -50, max: 200 }),
      keyframe: fc.boolean(),
      bytes: fc.integer({ min: 0, max: 400 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
        const recording = record(samples);
        const { tail, tailSize, ...rest } = recording.finishInPieces();
        const pieces = concatBytes([...tail]);
        expect({ ...rest, tail: pieces }).toEqual(recording.finish());
        expect(tailSize).toBe(pieces.length);
      }),
    );
  });

  it('is that of finish() over many pieces, of which all but the last few bytes are full', () => {
    const recording = record(irregular(60_000));
    const pieces = [...recording.finishInPieces().tail];
    expect(bytesEqual(concatBytes(pieces), recording.finish().tail)).toBe(true);
    expect(pieces.length).toBeGreaterThan(10);
    const sizes = pieces.map((piece) => piece.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MP4_LIMITS.finishPieceBytes);
    // A row or a small box that does not fit goes into the next piece.
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(MP4_LIMITS.finishPieceBytes - 1024);
  });

  it('no step does more than its piece has bytes, however many samples there are', () => {
    const recording = record(irregular(60_000));
    const fields = (['setUint8', 'setUint16', 'setUint32', 'setInt32'] as const).map((name) =>
      vi.spyOn(DataView.prototype, name),
    );
    try {
      const { tail } = recording.finishInPieces();
      for (;;) {
        const step = tail.next();
        const written = fields.reduce((sum, field) => sum + field.mock.calls.length, 0);
        for (const field of fields) field.mockClear();
        expect(written).toBeLessThanOrEqual(MP4_LIMITS.finishPieceBytes / 4 + 1024);
        if (step.done === true) break;
      }
    } finally {
      for (const field of fields) field.mockRestore();
    }
  });

  it('what is written between two pieces is not in it', () => {
    const recording = record(irregular(20_000));
    const before = recording.finish();
    const { tail, ...rest } = recording.finishInPieces();
    const pieces: Uint8Array[] = [];
    for (let time = 1_000_000; ; time += 20) {
      const step = tail.next();
      if (step.done === true) break;
      pieces.push(step.value);
      recording.add(1, time, 7, true, AVC);
      recording.add(2, time * 44, 0, true, AAC);
      write(recording);
    }
    expect(bytesEqual(concatBytes(pieces), before.tail)).toBe(true);
    expect([rest.size, rest.patch]).toEqual([before.size, before.patch]);
    expect(recording.finish().tail.length).toBeGreaterThan(before.tail.length);
  });
});
