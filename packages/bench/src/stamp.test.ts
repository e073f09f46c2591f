import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STAMP_OFFSET_IN_BODY, StampFinder, stampedCopy, withStampSpace } from './stamp.ts';

const frame = Uint8Array.of(0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 0x88);

function stamped(microseconds: number): Uint8Array {
  const body = withStampSpace(frame);
  if (body === undefined) throw new Error('no room for a stamp');
  return stampedCopy(body, STAMP_OFFSET_IN_BODY, microseconds);
}

function find(parts: readonly Uint8Array[]): number[] {
  const found: number[] = [];
  const finder = new StampFinder((time) => found.push(time));
  for (const part of parts) finder.write(Buffer.from(part));
  return found;
}

describe('withStampSpace', () => {
  it('puts an SEI NAL unit before the frame and leaves the rest as it was', () => {
    const body = Buffer.from(stamped(255));
    expect(body.subarray(0, 5)).toEqual(Buffer.from(frame.subarray(0, 5)));
    const size = body.readUInt32BE(5);
    expect([...body.subarray(9, 12)]).toEqual([6, 5, 32]);
    expect(body.subarray(12, 44).toString('latin1')).toBe('SluiceBenchStamp00000000000000ff');
    expect(body[8 + size]).toBe(0x80);
    expect(body.subarray(9 + size)).toEqual(Buffer.from(frame.subarray(5)));
  });

  it('leaves alone what is no H.264 frame', () => {
    expect(withStampSpace(Uint8Array.of(0x17, 0, 0, 0, 0, 1))).toBeUndefined();
    expect(withStampSpace(Uint8Array.of(0x12, 1, 0, 0, 0))).toBeUndefined();
    expect(withStampSpace(new Uint8Array(0))).toBeUndefined();
  });
});

describe('StampFinder', () => {
  it('finds stamps whole and byte by byte', () => {
    const bytes = Buffer.concat([
      Buffer.alloc(100),
      stamped(1),
      Buffer.alloc(3),
      stamped(2 ** 52),
      stamped(3),
    ]);
    expect(find([bytes])).toEqual([1, 2 ** 52, 3]);
    expect(find(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual([1, 2 ** 52, 3]);
  });

  it('finds each stamp once, however the reads are cut', () => {
    const bytes = Buffer.concat([
      stamped(1),
      Buffer.from('SluiceBenchStam'),
      stamped(2),
      Buffer.alloc(40),
      stamped(3),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.sort((one, other) => one - other), bytes.length];
        expect(find(at.slice(1).map((end, index) => bytes.subarray(at[index] ?? 0, end)))).toEqual([1, 2, 3]);
      }),
    );
  });

  it('passes over a marker without a number', () => {
    expect(find([Buffer.from('SluiceBenchStampzzzzzzzzzzzzzzzz'), stamped(9)])).toEqual([9]);
  });
});
