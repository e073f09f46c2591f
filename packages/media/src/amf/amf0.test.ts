import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { AmfEcmaArray, AmfObject, decodeAmf0, decodeAmf3, encodeAmf0, encodeAmf3 } from './index.ts';
import type { AmfValue } from './index.ts';

function plain(hex: string): string {
  return hex.replaceAll(' ', '');
}

/** The error's code; any other error goes on and fails the test. */
function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'none';
}

function only(values: readonly AmfValue[]): AmfValue {
  expect(values).toHaveLength(1);
  return values[0];
}

describe('AMF0 in the field', () => {
  it('R022 reads a long string and writes one from 65,536 bytes on', () => {
    expect(only(decodeAmf0(hexToBytes('0c 00000002 6869')))).toBe('hi');
    const short = 'é'.repeat(32767);
    expect(bytesToHex(encodeAmf0(short).subarray(0, 5))).toBe('02fffec3a9');
    expect(only(decodeAmf0(encodeAmf0(short)))).toBe(short);
    const long = 'x'.repeat(65536);
    expect(bytesToHex(encodeAmf0(long).subarray(0, 6))).toBe('0c0001000078');
    expect(only(decodeAmf0(encodeAmf0(long)))).toBe(long);
    expect(codeOf(() => encodeAmf0(new AmfObject([[long, 1]])))).toBe('bad-value');
  });

  it.each(['00000000', '00000003', 'ffffffff'])(
    'reads an ECMA array to its end whatever its count: %s',
    (count) => {
      const bytes = hexToBytes(`08 ${count} 0001 61 01 01 0001 62 05 0000 09 06`);
      const expected = new AmfEcmaArray([
        ['a', true],
        ['b', null],
      ]);
      expect(decodeAmf0(bytes)).toStrictEqual([expected, undefined]);
    },
  );

  it('takes the end of the data for the missing end of an ECMA array, not of an object', () => {
    expect(only(decodeAmf0(hexToBytes('08 00000001 0001 61 01 01')))).toStrictEqual(
      new AmfEcmaArray([['a', true]]),
    );
    expect(only(decodeAmf0(hexToBytes('08 00000000')))).toStrictEqual(new AmfEcmaArray());
    expect(codeOf(() => decodeAmf0(hexToBytes('03 0001 61 01 01')))).toBe('short-read');
  });

  it('R023 a name that comes again replaces its value', () => {
    const object = only(decodeAmf0(hexToBytes('03 0001 61 01 00 0001 62 05 0001 61 01 01 0000 09')));
    expect(object).toStrictEqual(
      new AmfObject([
        ['a', true],
        ['b', null],
      ]),
    );
  });

  it('reads references, and writes them where a value holds itself', () => {
    const [list] = decodeAmf0(hexToBytes('0a 00000002 03 0000 09 07 0001'));
    expect(Array.isArray(list) && list[0] === list[1] && list[0] instanceof AmfObject).toBe(true);

    const second = decodeAmf0(hexToBytes('03 0000 09 07 0000'));
    expect(second[0]).toBe(second[1]);

    const ring = new AmfObject();
    ring.set('me', [ring]);
    const bytes = encodeAmf0(1, ring);
    expect(bytesToHex(bytes.subarray(9))).toBe(plain('03 0002 6d65 0a 00000001 07 0000 0000 09'));
    const back = decodeAmf0(bytes)[1];
    expect(back instanceof AmfObject && back.get('me')).toStrictEqual([back]);
    expect(bytesToHex(encodeAmf0(1, back))).toBe(bytesToHex(bytes));

    const shared = new AmfObject();
    expect(bytesToHex(encodeAmf0(shared, shared))).toBe('0300000903000009');
    expect(codeOf(() => decodeAmf0(hexToBytes('07 0000')))).toBe('bad-value');
  });

  it('stops at its count when shared values multiply', () => {
    let value: AmfValue = [];
    for (let level = 0; level < 40; level++) value = [value, value];
    expect(codeOf(() => encodeAmf0(value))).toBe('limit-exceeded');
    expect(only(decodeAmf3(encodeAmf3(value)))).toBeInstanceOf(Array);
  });

  it.each([
    ['04', 'unsupported'],
    ['0e', 'unsupported'],
    ['09', 'bad-value'],
    ['12', 'bad-value'],
    ['ff', 'bad-value'],
    ['11 12', 'bad-value'],
    ['02 0005 6162', 'short-read'],
    ['0c 00000005 6162', 'short-read'],
    ['0c ffffffff 6162', 'limit-exceeded'],
    ['0f ffffffff', 'limit-exceeded'],
    ['0a ffffffff 05', 'limit-exceeded'],
    ['0a 00010000 05', 'short-read'],
  ])('refuses %s: %s', (hex, code) => {
    expect(codeOf(() => decodeAmf0(hexToBytes(hex)))).toBe(code);
  });

  it.each(['0a00000001', '03000161', '08000000010001 61', '10000141000161', '11 09 03 01'])(
    'refuses 10,000 levels of %s without a stack overflow',
    (level) => {
      const levels = level.startsWith('11') ? `11${'090301'.repeat(10_000)}` : level.repeat(10_000);
      expect(codeOf(() => decodeAmf0(hexToBytes(levels)))).toBe('limit-exceeded');
      expect(codeOf(() => decodeAmf0(hexToBytes(levels), { maxDepth: 1e9 }))).toBe('limit-exceeded');
    },
  );

  it('keeps the limits of count and text', () => {
    expect(decodeAmf0(hexToBytes('05 05 05'), { maxCount: 3 })).toHaveLength(3);
    expect(codeOf(() => decodeAmf0(hexToBytes('05 05 05 05'), { maxCount: 3 }))).toBe('limit-exceeded');
    expect(codeOf(() => decodeAmf0(hexToBytes('02 0003 616263'), { maxStringBytes: 2 }))).toBe(
      'limit-exceeded',
    );
    expect(codeOf(() => decodeAmf0(new Uint8Array(131_073).fill(5)))).toBe('limit-exceeded');
  });
});
