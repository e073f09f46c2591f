import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { TrustedProxies } from './trusted-proxies.ts';

const proxies = new TrustedProxies(['10.0.0.1', '192.168.0.0/16', '2001:db8::/32']);

describe('trusted_proxies', () => {
  it.each([
    ['10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['2001:db8::5', '203.0.113.9', '203.0.113.9'],
    ['10.0.0.2', '203.0.113.9', '10.0.0.2'],
    // What stands in front of the nearest hop that is not trusted may be made up.
    ['10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['10.0.0.1', '1.1.1.1, 203.0.113.9, 192.168.7.7', '203.0.113.9'],
    ['10.0.0.1', '192.168.7.7', '192.168.7.7'],
    ['10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['10.0.0.1', '[2001:4860::1]:4711', '2001:4860::1'],
    ['10.0.0.1', '2001:4860::1', '2001:4860::1'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9, evil\u202e', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', undefined, '10.0.0.1'],
  ])('S002 of %s with X-Forwarded-For %j the client is %s', (peer, forwardedFor, client) => {
    expect(proxies.forwarded(peer, { 'x-forwarded-for': forwardedFor }).ip).toBe(client);
  });

  it('S002 host and protocol are those of a trusted proxy alone', () => {
    const headers = {
      host: 'inner:8080',
      'x-forwarded-host': 'evil.example, live.example.com',
      'x-forwarded-proto': 'https',
    };
    expect(proxies.forwarded('10.0.0.1', headers)).toEqual({
      ip: '10.0.0.1',
      host: 'live.example.com',
      protocol: 'https',
    });
    expect(proxies.forwarded('10.0.0.9', headers)).toEqual({
      ip: '10.0.0.9',
      host: 'inner:8080',
      protocol: undefined,
    });
    const other = { host: 'inner:8080', 'x-forwarded-proto': 'gopher' };
    expect(proxies.forwarded('10.0.0.1', other)).toMatchObject({ host: 'inner:8080', protocol: undefined });
  });

  it('S002 without proxies nobody is trusted', () => {
    const none = new TrustedProxies([]);
    fc.assert(
      fc.property(fc.ipV4(), fc.string(), (peer, said) => {
        expect(none.forwarded(peer, { 'x-forwarded-for': said, 'x-forwarded-host': said }).ip).toBe(peer);
      }),
    );
  });

  it('S002 whatever is said, the client is an address that was named', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 50 }), (hops) => {
        const { ip } = proxies.forwarded('10.0.0.1', { 'x-forwarded-for': hops.join(', ') });
        expect(ip).toMatch(/^[\da-f.:]+$/i);
      }),
    );
  });
});
