import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { addressOwner, inRange, parseAddress, parseRange } from './address.ts';

function contains(range: string, address: string): boolean | undefined {
  const [parsedRange, words] = [parseRange(range), parseAddress(address)];
  return parsedRange === undefined || words === undefined ? undefined : inRange(words, parsedRange);
}

describe('addresses and ranges (S001)', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.168.1.128/25', '192.168.1.200', true],
    ['192.168.1.128/25', '192.168.1.127', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.0.0.1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['::1.2.3.4', '::102:304', true],
  ])('S001 %s has %s: %s', (range, address, expected) => {
    expect(contains(range, address)).toBe(expected);
  });

  it.each([
    '',
    'all',
    '10.0.0',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    '1::2::3',
    '300.0.0.1',
  ])('S001 %s is no range', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });

  it('S001 any IPv4 address is in its own range of any length, and in one that differs in its last bit never', () => {
    const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 32 }), (bytes, bits) => {
        const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
        const other = (number ^ (1 << (32 - bits))) >>> 0;
        const text = bytes.join('.');
        const otherText = [24, 16, 8, 0].map((shift) => (other >>> shift) & 0xff).join('.');
        return contains(`${text}/${bits}`, text) === true && contains(`${otherText}/${bits}`, text) === false;
      }),
    );
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
    ['not:an:address', 'not:an:address'],
  ])('the limits of %s are those of %s', (ip, owner) => {
    expect(addressOwner(ip)).toBe(owner);
  });
});
