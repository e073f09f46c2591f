import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaError } from '../errors.ts';
import {
  BitReader,
  BitWriter,
  ByteReader,
  ByteWriter,
  bytesEqual,
  bytesToHex,
  concatBytes,
  crc32Mpeg,
  encodeUtf8,
  hexToBytes,
} from './index.ts';

type NumberField = 'u8' | 'u16' | 'u24' | 'u32' | 'u32le' | 'i16' | 'i24' | 'i32' | 'f64';

const fields: readonly (readonly [NumberField, number, string])[] = [
  ['u8', 0, '00'],
  ['u8', 0xff, 'ff'],
  ['u16', 0x0102, '0102'],
  ['u16', 0xffff, 'ffff'],
  ['u24', 0x010203, '010203'],
  ['u24', 0xffffff, 'ffffff'],
  ['u32', 0x01020304, '01020304'],
  ['u32', 0xffffffff, 'ffffffff'],
  ['u32le', 0x01020304, '04030201'],
  ['u32le', 0xfffffffe, 'feffffff'],
  ['i16', -2, 'fffe'],
  ['i16', 0x7fff, '7fff'],
  ['i24', -2, 'fffffe'],
  ['i24', -0x800000, '800000'],
  ['i24', 0x7fffff, '7fffff'],
  ['i32', -0x80000000, '80000000'],
  ['f64', 1.5, '3ff8000000000000'],
  ['f64', -0, '8000000000000000'],
];

const tooLarge: readonly (readonly [NumberField, number])[] = [
  ['u8', 256],
  ['u8', -1],
  ['u8', 0.5],
  ['u16', 65536],
  ['u24', 0x1000000],
  ['u32', 2 ** 32],
  ['u32', Number.NaN],
  ['u32le', 2 ** 32],
  ['i16', 0x8000],
  ['i24', -0x800001],
  ['i32', 0x80000000],
];

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'none';
}

describe('ByteReader and ByteWriter', () => {
  it.each(fields)('%s %d is %s', (field, value, hex) => {
    const bytes = hexToBytes(hex);
    expect(bytesToHex(new ByteWriter()[field](value).finish())).toBe(hex);
    const padded = concatBytes([new Uint8Array(3), bytes, new Uint8Array(3)]);
    const reader = new ByteReader(padded, 3, 3 + bytes.length);
    expect(reader[field]()).toBe(value);
    expect(reader.remaining).toBe(0);
    expect(reader.offset).toBe(reader.end);
    expect(reader.end).toBe(3 + bytes.length);
    for (let end = 3; end < 3 + bytes.length; end++) {
      const short = new ByteReader(padded, 3, end);
      expect(codeOf(() => short[field]())).toBe('short-read');
      expect(short.offset).toBe(3);
    }
  });

  it.each(tooLarge)('%s refuses to write %d', (field, value) => {
    expect(codeOf(() => new ByteWriter()[field](value))).toBe('bad-value');
  });

  it('names what was wanted and what was there', () => {
    const reader = new ByteReader(new Uint8Array(5));
    reader.skip(3);
    expect(() => reader.u32()).toThrow('wanted 4 byte(s) at offset 3, there are 2');
  });

  it('reads bytes as a view and peeks without moving', () => {
    const bytes = hexToBytes('01020304');
    const reader = new ByteReader(bytes);
    expect(reader.peekU8()).toBe(1);
    const view = reader.bytes(2);
    expect(view.buffer).toBe(bytes.buffer);
    expect(bytesToHex(view)).toBe('0102');
    expect(reader.peekU8()).toBe(3);
    reader.skip(2);
    expect(codeOf(() => reader.peekU8())).toBe('short-read');
    expect(reader.bytes(0)).toHaveLength(0);
  });

  it('refuses impossible counts and ranges', () => {
    const bytes = new Uint8Array(4);
    expect(codeOf(() => new ByteReader(bytes, 0, 5))).toBe('bad-value');
    expect(codeOf(() => new ByteReader(bytes, 3, 2))).toBe('bad-value');
    expect(codeOf(() => new ByteReader(bytes, -1))).toBe('bad-value');
    expect(codeOf(() => new ByteReader(bytes).skip(-1))).toBe('bad-value');
    expect(codeOf(() => new ByteReader(bytes).bytes(Number.NaN))).toBe('bad-value');
    expect(codeOf(() => new ByteReader(bytes).bytes(2 ** 40))).toBe('short-read');
    expect(codeOf(() => new BitReader(bytes, 0, 5))).toBe('bad-value');
  });

  it('keeps any text, and replaces what is not UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const bytes = new ByteWriter(1).utf8(text).u8(7).finish();
        expect(bytesToHex(bytes.subarray(0, -1))).toBe(bytesToHex(encodeUtf8(text)));
        expect(bytes.at(-1)).toBe(7);
        expect(new ByteReader(bytes).utf8(bytes.length - 1)).toBe(text);
      }),
    );
    expect(new ByteReader(hexToBytes('41ff42')).utf8(3)).toBe('A\ufffdB');
    expect(new ByteReader(hexToBytes('efbbbf41')).utf8(4)).toBe('\ufeffA');
    expect(codeOf(() => new ByteReader(hexToBytes('41')).utf8(2))).toBe('short-read');
  });

  it('grows, patches and finishes at the exact size', () => {
    const writer = new ByteWriter(1);
    for (let index = 0; index < 1000; index++) writer.u32(index);
    writer.patchU8(0, 0xaa).patchU16(4, 0xbbcc).patchU24(8, 0xddeeff).patchU32(12, 0xffffffff);
    const bytes = writer.finish();
    expect(bytes).toHaveLength(4000);
    expect(bytesToHex(bytes.subarray(0, 20))).toBe('aa000000bbcc0001ddeeff02ffffffff00000004');
    expect(codeOf(() => writer.patchU32(3997, 0))).toBe('bad-value');
    expect(codeOf(() => writer.patchU8(-1, 0))).toBe('bad-value');
  });
});

describe('BitReader and BitWriter', () => {
  it('reads and writes the Exp-Golomb codes of H.264 table 9-2', () => {
    const codes: readonly (readonly [number, string])[] = [
      [0, '1'],
      [1, '010'],
      [2, '011'],
      [3, '00100'],
      [6, '00111'],
      [7, '0001000'],
    ];
    for (const [value, code] of codes) {
      const byte = Number.parseInt(code.padEnd(8, '0'), 2);
      expect(new BitWriter().ue(value).finish()[0]).toBe(byte);
      expect(new BitReader(Uint8Array.of(byte)).ue()).toBe(value);
    }
    const signed = [0, 1, -1, 2, -2, 3];
    const writer = new BitWriter();
    for (const value of signed) writer.se(value);
    const reader = new BitReader(writer.finish());
    expect(signed.map(() => reader.se())).toEqual(signed);
  });

  it('takes the largest Exp-Golomb code and refuses longer ones', () => {
    expect(new BitReader(new BitWriter().ue(0xfffffffe).finish()).ue()).toBe(0xfffffffe);
    expect(codeOf(() => new BitWriter().ue(0xffffffff))).toBe('bad-value');
    expect(codeOf(() => new BitReader(new Uint8Array(100)).ue())).toBe('bad-value');
    expect(codeOf(() => new BitReader(new Uint8Array(2)).ue())).toBe('short-read');
  });

  it('gives back any sequence of fields', () => {
    const field = fc
      .integer({ min: 0, max: 32 })
      .chain((count) => fc.tuple(fc.integer({ min: 0, max: 2 ** count - 1 }), fc.constant(count)));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 40 }), (sequence) => {
        const writer = new BitWriter(1);
        for (const [value, count] of sequence) writer.bits(value, count);
        const written = writer.position;
        const reader = new BitReader(writer.finish());
        for (const [value, count] of sequence) expect(reader.bits(count)).toBe(value);
        expect(reader.position).toBe(written);
        expect(reader.remaining).toBeLessThan(8);
      }),
    );
  });

  it('gives back any Exp-Golomb number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xfffffffe }),
        fc.integer({ min: -0x7fffffff, max: 0x7fffffff }),
        (unsigned, signed) => {
          const reader = new BitReader(new BitWriter().ue(unsigned).se(signed).finish());
          expect(reader.ue()).toBe(unsigned);
          expect(reader.se()).toBe(signed);
        },
      ),
    );
  });

  it('skips, aligns and checks its end', () => {
    const reader = new BitReader(hexToBytes('ffa55a'), 1, 3);
    expect(reader.remaining).toBe(16);
    expect(reader.flag()).toBe(true);
    reader.skip(2);
    reader.alignToByte();
    reader.alignToByte();
    expect(reader.position).toBe(16);
    expect(reader.bits(4)).toBe(5);
    expect(() => reader.bits(5)).toThrow('wanted 5 bit(s) at bit 20, there are 4');
    expect(codeOf(() => reader.skip(5))).toBe('short-read');
    expect(codeOf(() => reader.skip(-1))).toBe('bad-value');
    expect(codeOf(() => reader.bits(33))).toBe('bad-value');
    expect(bytesToHex(new BitWriter().flag(true).flag(false).flag(true).finish())).toBe('a0');
    expect(codeOf(() => new BitWriter().bits(4, 2))).toBe('bad-value');
    expect(codeOf(() => new BitWriter().bits(0, 33))).toBe('bad-value');
  });
});

describe('crc32Mpeg and helpers', () => {
  it('gives the check value, zero over a closed section, and sums in pieces', () => {
    const bytes = encodeUtf8('123456789');
    expect(crc32Mpeg(bytes)).toBe(0x0376e6e7);
    expect(crc32Mpeg(new ByteWriter().bytes(bytes).u32(0x0376e6e7).finish())).toBe(0);
    expect(crc32Mpeg(bytes, 4, 9, crc32Mpeg(bytes, 0, 4))).toBe(0x0376e6e7);
  });

  it('compares, joins and spells bytes', () => {
    expect(bytesEqual(hexToBytes('0102'), hexToBytes('01 02'))).toBe(true);
    expect(bytesEqual(hexToBytes('0102'), hexToBytes('0103'))).toBe(false);
    expect(bytesEqual(hexToBytes('0102'), hexToBytes('01'))).toBe(false);
    expect(bytesToHex(concatBytes([hexToBytes('0aFF'), hexToBytes(''), hexToBytes('00')]))).toBe('0aff00');
    expect(codeOf(() => hexToBytes('0'))).toBe('bad-value');
    expect(codeOf(() => hexToBytes('zz'))).toBe('bad-value');
  });

  it('MediaError carries its code and cause', () => {
    const cause = new Error('below');
    const error = new MediaError('unsupported', 'no', { cause });
    expect(error).toMatchObject({ name: 'MediaError', code: 'unsupported', message: 'no', cause });
  });
});
