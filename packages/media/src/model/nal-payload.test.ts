import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { buildAnnexB, buildLengthPrefixed, type NalLengthSize } from '../avc/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { nalPayload } from './index.ts';

const LENGTH_SIZES: readonly NalLengthSize[] = [1, 2, 4];

function hexOf(hex: string, lengthSize: NalLengthSize): string {
  return bytesToHex(nalPayload(hexToBytes(hex), lengthSize));
}

describe('nalPayload', () => {
  it('lengths of 4 bytes are not copied', () => {
    const bytes = hexToBytes('00000002 6588 00000003 419a02');
    expect(nalPayload(bytes, 4)).toBe(bytes);
  });

  it.each<readonly [string, NalLengthSize, string, string]>([
    ['lengths of 1 byte', 1, '02 6588 01 41', '00000002 6588 00000001 41'],
    ['lengths of 2 bytes', 2, '0002 6588 0001 41', '00000002 6588 00000001 41'],
    ['empty units of short lengths go', 2, '0002 6588 0000 0001 41', '00000002 6588 00000001 41'],
    ['short lengths whose padding ends with them', 2, '0002 6588 0000', '00000002 6588'],
    ['a cut last unit', 4, '00000002 6588 00000003 419a', '00000002 6588'],
    ['a cut last unit of lengths of 2 bytes', 2, '0002 6588 0003 419a', '00000002 6588'],
    ['a cut length', 4, '00000002 6588 0000', '00000002 6588'],
    ['padding that is no whole length', 4, '00000002 6588 00000000 00', '00000002 6588'],
    ['padding of whole lengths', 4, '00000002 6588 00000000', '00000002 6588 00000000'],
    ['an empty unit in between', 4, '00000000 00000002 6588', '00000000 00000002 6588'],
    ['the only unit is cut', 4, '00000009 6588', ''],
    ['the only unit is cut, lengths of 1 byte', 1, '09 6588', ''],
    ['nothing', 4, '', ''],
    ['empty units only', 4, '00000000 00000000', ''],
    ['empty units only, lengths of 1 byte', 1, '000000', ''],
    ['less than a length', 4, '000000', ''],
    ['P014 start codes', 4, '00000001 6588 000001 419a', '00000002 6588 00000002 419a'],
    ['P014 start codes of 3 bytes', 4, '000001 6588 00000001 419a', '00000002 6588 00000002 419a'],
    ['start codes where lengths have 1 byte', 1, '00000001 6588', '00000002 6588'],
    // 00, 00, 00, 01 65, 02 aabb: all lengths fit.
    ['start codes that would pass for lengths of 1 byte', 1, '00000001 65 02 aabb', '00000004 6502aabb'],
    ['start codes that would pass for lengths of 2 bytes', 2, '00000001 65 0001 bb', '00000004 650001bb'],
    [
      'lengths of 4 bytes that look like start codes',
      4,
      '00000001 65 00000002 419a',
      '00000001 65 00000002 419a',
    ],
    ['a start code and nothing', 4, '000001', ''],
    ['start codes and zero bytes', 4, '00000001 6588 0000 000001 419a 000000', '00000002 6588 00000002 419a'],
    ['bytes that are neither', 4, 'ffffffffffff', ''],
  ])('%s', (_, lengthSize, hex, wanted) => {
    expect(hexOf(hex, lengthSize)).toBe(bytesToHex(hexToBytes(wanted)));
  });

  it('a length that looks like a start code of 3 bytes is one of 256 to 511 bytes', () => {
    const unit = new Uint8Array(0x165).fill(0x41);
    const bytes = buildLengthPrefixed([unit]);
    expect(bytesToHex(bytes.subarray(0, 3))).toBe('000001');
    expect(nalPayload(bytes, 4)).toBe(bytes);
  });

  it.each(['00', '010203', 'ff'])('such a unit with bytes that make no unit (%s) behind it', (rest) => {
    for (const length of [0x101, 0x141, 0x165, 0x1d5]) {
      const bytes = buildLengthPrefixed([new Uint8Array(length).fill(0x41)]);
      const payload = nalPayload(concatBytes([bytes, hexToBytes(rest)]), 4);
      expect(bytesToHex(payload)).toBe(bytesToHex(bytes));
    }
  });

  it('a part that is whole is a view', () => {
    const bytes = hexToBytes('00000002 6588 00000003 419a');
    const payload = nalPayload(bytes, 4);
    expect(payload.buffer).toBe(bytes.buffer);
    expect(payload.byteOffset).toBe(bytes.byteOffset);
  });

  it('units of every form come out the same', () => {
    // As of an encoder: no start codes inside, no zero bytes at the end.
    const unit = fc
      .uint8Array({ minLength: 1, maxLength: 200 })
      .map((bytes) => bytes.map((byte) => (byte === 0 ? 3 : byte)));
    fc.assert(
      fc.property(fc.array(unit, { minLength: 1, maxLength: 8 }), (units) => {
        const wanted = bytesToHex(buildLengthPrefixed(units));
        for (const size of LENGTH_SIZES) {
          expect(bytesToHex(nalPayload(buildLengthPrefixed(units, size), size))).toBe(wanted);
        }
        expect(bytesToHex(nalPayload(buildAnnexB(units), 1))).toBe(wanted);
        expect(bytesToHex(nalPayload(buildAnnexB(units), 2))).toBe(wanted);
        expect(bytesToHex(nalPayload(buildAnnexB(units), 4))).toBe(wanted);
      }),
    );
  });

  it('any bytes: the same as a plain reading of them', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat(255));
    const bytes = fc.array(byte, { maxLength: 40 }).map((values) => Uint8Array.from(values));
    fc.assert(
      fc.property(bytes, fc.constantFrom(...LENGTH_SIZES), (input, size) => {
        const before = bytesToHex(input);
        const payload = nalPayload(input, size);
        expect(bytesToHex(input)).toBe(before);
        expect(unitsOf(payload, 4)?.units ?? []).toEqual(referenceUnits(input, size));
      }),
      { numRuns: 5000 },
    );
  });

  it.each<readonly [string, NalLengthSize, Uint8Array]>([
    ['empty units and then one', 1, withEnd(new Uint8Array(8_000_000), '0165')],
    ['units of one byte', 1, repeated('0165', 4_000_000)],
    ['units of one byte, lengths of 2 bytes', 2, repeated('000165', 3_000_000)],
    ['start codes', 4, repeated('000001', 3_000_000)],
    ['start codes of units of one byte', 4, repeated('00000165', 2_000_000)],
    ['start codes and zero bytes', 4, withEnd(hexToBytes('00000165'), new Uint8Array(8_000_000))],
  ])('megabytes of %s make no list of units', (_, size, bytes) => {
    const before = process.memoryUsage().heapUsed;
    const payload = nalPayload(bytes, size);
    // Objects for millions of units would be hundreds of megabytes.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(128 * 1024 * 1024);
    expect(payload.length).toBeLessThanOrEqual(5 * bytes.length);
  });
});

function repeated(hex: string, count: number): Uint8Array {
  const piece = hexToBytes(hex);
  const bytes = new Uint8Array(piece.length * count);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = piece[index % piece.length] ?? 0;
  return bytes;
}

function withEnd(bytes: Uint8Array, end: string | Uint8Array): Uint8Array {
  return concatBytes([bytes, typeof end === 'string' ? hexToBytes(end) : end]);
}

/** Units behind lengths as far as they go, those without a byte left out, and whether nothing is behind them. */
function unitsOf(bytes: Uint8Array, size: NalLengthSize): { units: string[]; fits: boolean } | undefined {
  const hex = bytesToHex(bytes);
  const units: string[] = [];
  let rest = hex;
  while (rest.length >= 2 * size) {
    const length = 2 * Number.parseInt(rest.slice(0, 2 * size), 16);
    if (length > rest.length - 2 * size) break;
    if (length > 0) units.push(rest.slice(2 * size, 2 * size + length));
    rest = rest.slice(2 * size + length);
  }
  return { units, fits: rest === '' };
}

/** What the units are, told by text alone. */
function referenceUnits(bytes: Uint8Array, size: NalLengthSize): string[] {
  const { units = [], fits = false } = unitsOf(bytes, size) ?? {};
  const text = String.fromCharCode(...bytes);
  const startsWithCode = text.startsWith('\0\0\u0001') || text.startsWith('\0\0\0\u0001');
  const isAnnexB = startsWithCode && !(fits && units.length > 0 && size === 4);
  if (!isAnnexB) return units;
  const found = text
    .split('\0\0\u0001')
    .slice(1)
    .map((unit) => unit.replace(/\0+$/, ''))
    .filter((unit) => unit !== '')
    .map((unit) => bytesToHex(Uint8Array.from(unit, (character) => character.charCodeAt(0))));
  return found.length > 0 ? found : units;
}
