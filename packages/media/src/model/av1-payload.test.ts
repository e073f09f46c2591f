import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { av1Obus, Av1ObuType } from '../av1/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { av1Payload } from './index.ts';

/** A temporal delimiter, a sequence header and frames, each with a size. */
const DELIMITER = '1200';
const SEQUENCE = '0a0b00000004 3d06d4daf90040';
const FRAME = '3203 100000';

describe('av1Payload', () => {
  it('what has no temporal delimiter is not copied', () => {
    const bytes = hexToBytes(SEQUENCE + FRAME + FRAME);
    expect(av1Payload(bytes)).toBe(bytes);
    const empty = new Uint8Array(0);
    expect(av1Payload(empty)).toBe(empty);
  });

  it('one in front is left out, by a view', () => {
    const bytes = hexToBytes(DELIMITER + SEQUENCE + FRAME);
    const payload = av1Payload(bytes);
    expect(payload.buffer).toBe(bytes.buffer);
    expect(bytesToHex(payload)).toBe(bytesToHex(hexToBytes(SEQUENCE + FRAME)));
  });

  it.each<readonly [string, string, string]>([
    ['alone', DELIMITER, ''],
    ['twice in front', DELIMITER + DELIMITER + FRAME, FRAME],
    ['in between', FRAME + DELIMITER + FRAME, FRAME + FRAME],
    ['in front, in between and at the end', DELIMITER + FRAME + DELIMITER + FRAME + DELIMITER, FRAME + FRAME],
    ['with an extension byte', `16 08 00${FRAME}`, FRAME],
    ['with a long size', `12 8000${FRAME}`, FRAME],
    ['in front of an OBU without a size', `${DELIMITER}30 100000`, '30 100000'],
    ['in the payload of another OBU', '3204 12001200', '3204 12001200'],
    ['in front of a cut OBU', `${DELIMITER}32ff01 00`, '32ff01 00'],
    ['in front of a forbidden bit', `${DELIMITER}92001200`, '92001200'],
    ['behind a cut OBU', '32ff01 1200', '32ff01 1200'],
    ['cut itself', `${FRAME}1205 00`, `${FRAME}1205 00`],
    ['cut in front', '1205 00', '1205 00'],
    ['with a size beyond 8 bytes', '12 ffffffffffffffffff', '12 ffffffffffffffffff'],
  ])('a temporal delimiter %s', (_, hex, wanted) => {
    const bytes = hexToBytes(hex);
    const before = bytesToHex(bytes);
    expect(bytesToHex(av1Payload(bytes))).toBe(bytesToHex(hexToBytes(wanted)));
    expect(bytesToHex(bytes)).toBe(before);
  });

  it('any OBUs: the same ones without the delimiters', () => {
    const obu = fc
      .tuple(fc.constantFrom(1, 2, 2, 3, 4, 5, 6, 15), fc.uint8Array({ maxLength: 140 }), fc.boolean())
      .map(([type, payload, extended]) => {
        const data = type === Av1ObuType.temporalDelimiter ? new Uint8Array(0) : payload;
        const size = data.length < 128 ? [data.length] : [0x80 | (data.length & 0x7f), data.length >> 7];
        const head = extended ? [(type << 3) | 0x06, 0x28] : [(type << 3) | 0x02];
        return { type, bytes: concatBytes([Uint8Array.of(...head, ...size), data]) };
      });
    fc.assert(
      fc.property(fc.array(obu, { maxLength: 12 }), (obus) => {
        const bytes = concatBytes(obus.map((one) => one.bytes));
        const kept = obus.filter(({ type }) => type !== Av1ObuType.temporalDelimiter);
        expect(bytesToHex(av1Payload(bytes))).toBe(bytesToHex(concatBytes(kept.map((one) => one.bytes))));
      }),
    );
  });

  it('any bytes: nothing is thrown, nothing is added, and what can be read has no delimiter', () => {
    const byte = fc.oneof(fc.constantFrom(0x12, 0x00, 0x32, 0x10, 0x16), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 24 }), (values) => {
        const bytes = Uint8Array.from(values);
        const payload = av1Payload(bytes);
        expect(payload.length).toBeLessThanOrEqual(bytes.length);
        try {
          for (const { type } of av1Obus(payload)) expect(type).not.toBe(Av1ObuType.temporalDelimiter);
        } catch (error) {
          if (!(error instanceof MediaError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('megabytes of delimiters cost no more than their bytes', () => {
    const bytes = new Uint8Array(4_000_000);
    for (let index = 0; index < bytes.length; index += 2) bytes[index] = index % 4 === 0 ? 0x32 : 0x12;
    expect(av1Payload(bytes).length).toBe(bytes.length / 2);
    bytes.fill(0x12).forEach((_, index) => (bytes[index] = index % 2 === 0 ? 0x12 : 0));
    expect(av1Payload(bytes).length).toBe(0);
  });
});
