import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';

import { resolveConfig, type VhostOptions } from '../config/index.ts';
import { AccessControl, type AccessControlOptions, type ClientRequest, signedQuery } from './index.ts';

const NOW = 1_800_000_000_000;
const SECRET = 'a-secret-of-32-characters-or-more';
const NO_LIMITS = resolveConfig().limits;

function vhost(options: VhostOptions) {
  const [first] = resolveConfig({ vhosts: { 'live.example.com': options } }).vhosts.values();
  if (first === undefined) throw new Error('no vhost');
  return first;
}

function client(options: VhostOptions, more: Partial<ClientRequest> = {}): ClientRequest {
  return {
    id: 'abcdefgh',
    ip: '192.0.2.1',
    vhost: vhost(options),
    app: 'live',
    stream: 'livestream',
    param: '',
    tcUrl: 'rtmp://live.example.com/live',
    pageUrl: '',
    ...more,
  };
}

function control(options: Partial<AccessControlOptions> = {}) {
  const clock = { now: 0 };
  const lines: string[] = [];
  const access = new AccessControl({
    log: { warn: (message) => lines.push(message) },
    limits: () => NO_LIMITS,
    now: () => NOW,
    monotonic: () => clock.now,
    ...options,
  });
  return { access, clock, lines };
}

function signed(action: 'play' | 'publish' = 'play', secret = SECRET): string {
  const grant = { action, vhost: 'live.example.com', app: 'live', stream: 'livestream' };
  return `?${signedQuery(secret, { ...grant, expires: NOW / 1000 + 60 })}`;
}

function jwt(claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ action: 'play', exp: NOW / 1000 + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET));
}

describe('allow and deny (S001)', () => {
  const all = { action: 'play', who: 'all' } as const;
  const range = { action: 'play', who: '192.0.2.0/24' } as const;
  const publish = { action: 'publish', who: 'all' } as const;

  it.each([
    ['off lets everyone in', { enabled: false, deny: [all] }, true],
    ['on without rules lets nobody in', { enabled: true }, false],
    ['a match of allow lets in', { enabled: true, allow: [range] }, true],
    ['a rule of the other action is none', { enabled: true, allow: [publish] }, false],
    ['a match of deny refuses whatever allow says', { enabled: true, allow: [all], deny: [range] }, false],
    ['allow all', { enabled: true, allow: [all] }, true],
    ['deny all', { enabled: true, allow: [range], deny: [all] }, false],
    ['deny of others', { enabled: true, allow: [all], deny: [{ action: 'play', who: '10.0.0.0/8' }] }, true],
  ] as const)('S001 %s', (_what, security, allowed) => {
    const verdict = control().access.check('play', client({ security }));
    expect(verdict).toEqual(
      allowed
        ? undefined
        : { reason: 'security-denied', detail: expect.stringContaining('192.0.2.1') as string },
    );
  });

  it('S001 IPv6 addresses and ranges, also of a dual-stack socket', () => {
    const security = {
      enabled: true,
      allow: [{ action: 'publish', who: '2001:db8::/32' }, range],
    } as const;
    const { access } = control();
    expect(access.check('publish', client({ security }, { ip: '2001:db8:1::5' }))).toBeUndefined();
    expect(access.check('publish', client({ security }, { ip: '2001:db9::5' }))).toBeDefined();
    expect(access.check('play', client({ security }, { ip: '::ffff:192.0.2.9' }))).toBeUndefined();
  });

  it('S001 an unknown address is let in by all only', () => {
    const { access } = control();
    const anywhere = { action: 'play', who: '0.0.0.0/0' } as const;
    expect(
      access.check('play', client({ security: { enabled: true, allow: [anywhere] } }, { ip: '' })),
    ).toBeDefined();
    expect(
      access.check('play', client({ security: { enabled: true, allow: [all] } }, { ip: '' })),
    ).toBeUndefined();
  });

  it('S001 connect is asked nothing', () => {
    expect(control().access.check('connect', client({ security: { enabled: true } }))).toBeUndefined();
  });
});

describe('tokens (S002)', () => {
  const token = { enabled: true, secrets: [SECRET], jwtSecrets: [SECRET] };

  it('S002 no token, no entry; with a signed URL at once', () => {
    const { access } = control();
    expect(access.check('play', client({ token }))).toEqual({
      reason: 'token-denied',
      detail: 'the URL has no token',
    });
    expect(access.check('play', client({ token }, { param: signed() }))).toBeUndefined();
    expect(access.check('publish', client({ token }, { param: signed() }))).toMatchObject({
      reason: 'token-denied',
    });
    expect(access.check('publish', client({ token }, { param: signed('publish') }))).toBeUndefined();
  });

  it('S002 off for players, or for publishers, or for all', () => {
    const { access } = control();
    expect(access.check('play', client({ token: { ...token, play: false } }))).toBeUndefined();
    expect(access.check('publish', client({ token: { ...token, play: false } }))).toBeDefined();
    expect(access.check('publish', client({ token: { ...token, publish: false } }))).toBeUndefined();
    expect(access.check('publish', client({ token: { ...token, enabled: false } }))).toBeUndefined();
  });

  it('S002 a JWT, in time', async () => {
    const { access } = control();
    const verdict = access.check('play', client({ token }, { param: `?a=b&token=${await jwt()}` }));
    expect(verdict).toBeInstanceOf(Promise);
    expect(await verdict).toBeUndefined();
    const other = await jwt({ stream: 'other' });
    expect(await access.check('play', client({ token }, { param: `?token=${other}` }))).toEqual({
      reason: 'token-denied',
      detail: 'the token is for another stream',
    });
  });

  it('S002 a token that is no JWT does not disturb a vhost with signed URLs only', () => {
    const { access } = control();
    const options = { token: { enabled: true, secrets: [SECRET] } };
    expect(access.check('play', client(options, { param: `${signed()}&token=for-hooks` }))).toBeUndefined();
    expect(access.check('play', client(options, { param: '?token=for-hooks' }))).toBeDefined();
  });

  it.each([
    ['two tokens', '?token=a&token=b'],
    ['a query without end', `?${'x'.repeat(20_000)}${signed().replace('?', '&')}`],
    ['an empty token', '?token='],
  ])('S002 refuses %s', async (_what, param) => {
    const verdict = await control().access.check('play', client({ token }, { param }));
    expect(verdict).toMatchObject({ reason: 'token-denied' });
  });

  it('S002 keys that cannot be had let nobody in, and are said once', async () => {
    const { access, lines } = control({
      readJwks: () => Promise.reject(new Error('down')),
      limits: () => ({ ...NO_LIMITS, maxFailedTokensPerMinute: 1 }),
    });
    const rs256 = Buffer.from('{"alg":"RS256"}').toString('base64url');
    const options = { token: { enabled: true, jwks: 'https://id.example.com/jwks' } };
    for (let count = 0; count < 3; count += 1) {
      expect(await access.check('play', client(options, { param: `?token=${rs256}.e30.AAAA` }))).toEqual({
        reason: 'token-denied',
        detail: 'the keys of https://id.example.com/jwks cannot be had',
      });
    }
    expect(lines).toEqual(['JWKS https://id.example.com/jwks: down']);
  });

  it('S002 addresses come first', () => {
    const { access } = control();
    const options = { security: { enabled: true }, token };
    expect(access.check('play', client(options, { param: signed() }))).toMatchObject({
      reason: 'security-denied',
    });
  });

  it('S002 too many wrong tokens of an address bar it, but not others, nor for having none', async () => {
    const limits = { ...NO_LIMITS, maxFailedTokensPerMinute: 2 };
    const { access, clock } = control({ limits: () => limits });
    const wrong = client({ token }, { param: signed('play', 'z'.repeat(32)) });
    const good = client({ token }, { param: signed() });
    await access.check('play', client({ token }));
    await access.check('play', wrong);
    expect(access.check('play', good)).toBeUndefined();
    await access.check('play', client({ token }, { param: '?token=x' }));
    expect(access.check('play', good)).toMatchObject({ reason: 'too-many-from-address' });
    expect(access.check('play', { ...good, ip: '192.0.2.2' })).toBeUndefined();
    clock.now = 30_000;
    expect(access.check('play', good)).toBeUndefined();
  });

  it('S002 no verdict has the token or the secret in it', async () => {
    const { access } = control();
    const good = await jwt();
    for (const param of [`${signed()}0`, `?token=${good}x`, `?token=${good.slice(0, 50)}`]) {
      const verdict = await access.check('play', client({ token }, { param }));
      const text = JSON.stringify(verdict);
      expect(text).toContain('token-denied');
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(good.slice(0, 20));
    }
  });
});

describe('connections of an address', () => {
  it('are counted, and those refused are logged in few lines', () => {
    const limits = { ...NO_LIMITS, maxConnectionsPerAddress: 1 };
    const { access, clock, lines } = control({ limits: () => limits });
    expect([1, 2, 3, 4].map(() => access.admit('192.0.2.1'))).toEqual([true, false, false, false]);
    clock.now = 5000;
    expect(access.admit('192.0.2.1')).toBe(false);
    access.release('192.0.2.1');
    expect(access.admit('192.0.2.1')).toBe(true);
    expect(lines).toEqual([
      'refused 1 connections, the last one from 192.0.2.1: limits.max_connections_per_address 1 is reached',
      'refused 3 connections, the last one from 192.0.2.1: limits.max_connections_per_address 1 is reached',
    ]);
  });

  it('have no limit unless one is set', () => {
    const { access } = control();
    expect(Array.from({ length: 5000 }, () => access.admit('192.0.2.1')).every(Boolean)).toBe(true);
  });
});
