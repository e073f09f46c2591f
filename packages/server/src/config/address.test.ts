import { describe, expect, it } from 'vitest';
import { distinctAddresses, formatListenAddress, parseListenAddress } from './index.ts';
import type { ListenAddress } from './index.ts';

describe('listen addresses (R001)', () => {
  it.each<[string, ListenAddress]>([
    ['1935', { port: 1935 }],
    ['65535', { port: 65_535 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['localhost:1935', { host: 'localhost', port: 1935 }],
    ['[::1]:1935', { host: '::1', port: 1935 }],
    ['[fe80::1%eth0]:1935', { host: 'fe80::1%eth0', port: 1935 }],
  ])('%s both ways', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
    expect(formatListenAddress(address)).toBe(text);
  });

  it.each([':1935', '*:1935'])('%s is every address', (text) => {
    expect(parseListenAddress(text)).toEqual({ port: 1935 });
  });

  it.each([
    '',
    '0',
    '65536',
    '-1',
    '1935x',
    'a:',
    '::1:1935',
    '[::1]',
    '[::1]1935',
    'a b:1',
    'http://a:1',
    '1e3',
    '99999999999',
  ])('%j is refused', (text) => {
    expect(parseListenAddress(text)).toEqual(expect.any(String));
  });
});

describe('distinctAddresses', () => {
  it.each([
    ['1935 [::]:1935', '1935'],
    ['[::]:1935 1935', '1935'],
    ['0.0.0.0:1935 [::]:1935', '1935'],
    ['127.0.0.1:1935 0.0.0.0:1935 [::1]:1935', '0.0.0.0:1935 [::1]:1935'],
    ['127.0.0.1:1935 [::]:1935', '[::]:1935'],
    ['1935 127.0.0.1:1935 1936', '1935 1936'],
    ['1935 1935', '1935'],
    ['127.0.0.1:1935 [::1]:1935', '127.0.0.1:1935 [::1]:1935'],
    ['0 0 127.0.0.1:0', '0 0 127.0.0.1:0'],
    ['', ''],
  ])('R001 of %s listens on %s', (given, wanted) => {
    const addresses = given.split(' ').flatMap((text) => {
      const address = text === '' ? [] : parseListenAddress(text, 0);
      return typeof address === 'string' ? [] : address;
    });
    expect(distinctAddresses(addresses).map(formatListenAddress).join(' ')).toBe(wanted);
  });
});
