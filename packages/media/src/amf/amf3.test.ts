import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  AmfDictionary,
  AmfEcmaArray,
  AmfNumberVector,
  AmfObject,
  AmfObjectVector,
  amfUnsupported,
  AmfXml,
  decodeAmf3,
  encodeAmf3,
} from './index.ts';
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

describe('AMF3 in the field', () => {
  it('reads and writes references of every kind of object', () => {
    const shared: AmfValue[] = [
      new Date(0),
      new AmfXml('x'),
      new AmfXml('x', 'e4x'),
      [1],
      new AmfEcmaArray([['a', 1]]),
      new AmfObject(),
      hexToBytes('01'),
      new AmfNumberVector('int', [1]),
      new AmfObjectVector('', [1]),
      new AmfDictionary(),
    ];
    for (const value of shared) {
      const bytes = encodeAmf3(value, value);
      expect(bytesToHex(bytes.subarray(-2))).toBe(bytesToHex(Uint8Array.of(bytes[0] ?? 0, 0)));
      const [first, second] = decodeAmf3(bytes);
      expect(first).toStrictEqual(value);
      expect(second).toBe(first);
    }
    const ring = new AmfObject();
    ring.set('me', ring);
    const back = only(decodeAmf3(encodeAmf3(ring)));
    expect(back instanceof AmfObject && back.get('me')).toBe(back);
  });

  it('gives byte arrays as views', () => {
    const bytes = hexToBytes('0c 05 0102');
    const value = only(decodeAmf3(bytes));
    expect(value instanceof Uint8Array && value.buffer === bytes.buffer).toBe(true);
  });

  it('writes a missing sealed member as undefined', () => {
    const object = new AmfObject([], { className: 'P', sealedNames: ['x'] });
    expect(bytesToHex(encodeAmf3(object))).toBe(plain('0a 13 03 50 03 78 00'));
  });

  it.each([
    ['12', 'bad-value'],
    ['06 00', 'bad-value'],
    ['09 00', 'bad-value'],
    ['0a 01', 'bad-value'],
    ['0a 07 07 466f6f 00', 'unsupported'],
    ['06 ffffffff', 'limit-exceeded'],
    ['06 09 61', 'short-read'],
    ['0c ffffffff', 'short-read'],
    ['09 ffffffff 01', 'limit-exceeded'],
    ['09 8101 01', 'short-read'],
    ['0a ffffff83 01', 'limit-exceeded'],
    ['0d ffffffff 00', 'limit-exceeded'],
    ['0f 8101 00', 'short-read'],
    ['10 ffffffff 00', 'limit-exceeded'],
    ['11 ffffffff 00', 'limit-exceeded'],
  ])('refuses %s: %s', (hex, code) => {
    expect(codeOf(() => decodeAmf3(hexToBytes(hex)))).toBe(code);
  });

  it.each(['09 03 01', '0a 0b 01 03 61', '10 03 00 01', '11 03 00', '09 03 03 61'])(
    'refuses 10,000 levels of %s without a stack overflow',
    (level) => {
      const levels = hexToBytes(level.repeat(10_000));
      expect(codeOf(() => decodeAmf3(levels))).toBe('limit-exceeded');
      expect(codeOf(() => decodeAmf3(levels, { maxDepth: 1e9 }))).toBe('limit-exceeded');
    },
  );

  it('refuses to write what it has no form for', () => {
    expect(codeOf(() => encodeAmf3(amfUnsupported))).toBe('unsupported');
    expect(codeOf(() => encodeAmf3(new AmfObject([['', 1]])))).toBe('bad-value');
    expect(codeOf(() => encodeAmf3(new AmfEcmaArray([['', 1]])))).toBe('bad-value');
    expect(codeOf(() => encodeAmf3(new AmfNumberVector('int', [0.5])))).toBe('bad-value');
    expect(codeOf(() => encodeAmf3(new AmfNumberVector('uint', [-1])))).toBe('bad-value');
  });
});
