import { describe, expect, it } from 'vitest';

import { AddressBook, type AddressLimits } from './address-book.ts';

const NONE: AddressLimits = {
  maxConnectionsPerAddress: 0,
  maxConnectsPerSecond: 0,
  maxFailedTokensPerMinute: 0,
};

describe('limits of an address', () => {
  it('lets so many connections be open, and takes the next one when one has gone', () => {
    const book = new AddressBook(100);
    const limits = { ...NONE, maxConnectionsPerAddress: 2 };
    const answers = [1, 2, 3].map(() => book.admit('192.0.2.1', limits, 0));
    expect(answers).toEqual([undefined, undefined, 'maxConnectionsPerAddress']);
    expect(book.admit('192.0.2.2', limits, 0)).toBeUndefined();
    book.release('192.0.2.1');
    expect(book.admit('192.0.2.1', limits, 0)).toBeUndefined();
    expect(book.admit('::ffff:192.0.2.1', limits, 0)).toBe('maxConnectionsPerAddress');
  });

  it('counts a /64 of IPv6 as one address', () => {
    const book = new AddressBook(100);
    const limits = { ...NONE, maxConnectionsPerAddress: 1 };
    expect(book.admit('2001:db8::1', limits, 0)).toBeUndefined();
    expect(book.admit('2001:db8::2', limits, 0)).toBe('maxConnectionsPerAddress');
    expect(book.admit('2001:db8:0:1::1', limits, 0)).toBeUndefined();
  });

  it('lets so many connect a second', () => {
    const book = new AddressBook(100);
    const limits = { ...NONE, maxConnectsPerSecond: 4 };
    function connect(now: number): number {
      let taken = 0;
      while (book.admit('192.0.2.1', limits, now) === undefined) {
        taken += 1;
        book.release('192.0.2.1');
      }
      return taken;
    }
    expect([0, 0, 250, 500, 2000, 600_000].map(connect)).toEqual([4, 0, 1, 1, 4, 4]);
  });

  it('bars an address for wrong tokens, and lets it try again with time', () => {
    const book = new AddressBook(100);
    const limits = { ...NONE, maxFailedTokensPerMinute: 3 };
    for (let count = 0; count < 3; count += 1) {
      expect(book.isBarred('192.0.2.1', limits, 0)).toBe(false);
      book.fail('192.0.2.1', limits, 0);
    }
    expect(book.isBarred('192.0.2.1', limits, 1000)).toBe(true);
    expect(book.isBarred('192.0.2.9', limits, 1000)).toBe(false);
    expect(book.isBarred('192.0.2.1', limits, 21_000)).toBe(false);
    book.fail('192.0.2.1', limits, 21_000);
    expect(book.isBarred('192.0.2.1', limits, 22_000)).toBe(true);
  });

  it('counts what is open before a limit is set, and survives what it never counted', () => {
    const book = new AddressBook(100);
    book.release('192.0.2.1');
    expect(book.admit('192.0.2.1', NONE, 0)).toBeUndefined();
    const limits = { ...NONE, maxConnectionsPerAddress: 1 };
    expect(book.admit('192.0.2.1', limits, 0)).toBe('maxConnectionsPerAddress');
  });

  it('forgets addresses: a flood of them takes bounded room, quiet ones are gone after two minutes', () => {
    const book = new AddressBook(1000);
    const limits = { ...NONE, maxConnectsPerSecond: 1, maxFailedTokensPerMinute: 1 };
    for (let index = 0; index < 10_000; index += 1) {
      const ip = `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`;
      expect(book.admit(ip, limits, 0)).toBeUndefined();
      book.fail(ip, limits, 0);
      book.release(ip);
    }
    expect(book.size).toBeLessThanOrEqual(2000);
    book.admit('192.0.2.1', limits, 130_000);
    book.release('192.0.2.1');
    expect(book.size).toBe(1);
  });

  it('remembers an address across the turn of a minute', () => {
    const book = new AddressBook(1000);
    const limits = { ...NONE, maxFailedTokensPerMinute: 1 };
    book.fail('192.0.2.1', limits, 0);
    book.fail('192.0.2.1', limits, 59_000);
    book.fail('192.0.2.2', limits, 61_000);
    expect(book.isBarred('192.0.2.1', limits, 62_000)).toBe(true);
  });
});
