import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';

import { defaultVhost, type VhostOptions, resolveConfig } from '../config/index.ts';
import { JwtVerifier } from './jwt.ts';

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const SECRET = 'a-secret-of-32-characters-or-more';
const WANTED = { action: 'play', vhost: '__defaultVhost__', app: 'live', stream: 'livestream' } as const;
const CLAIMS: JWTPayload = { action: 'play', exp: SECONDS + 60 };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function publicJwk(key: KeyObject, more: Partial<JWK>): JWK {
  return { ...(key.export({ format: 'jwk' }) as JWK), ...more };
}

const JWKS = {
  keys: [publicJwk(rsa.publicKey, { kid: 'rsa-1' }), publicJwk(ec.publicKey, { kid: 'ec-1', alg: 'ES256' })],
};

type TokenOptions = NonNullable<VhostOptions['token']>;

function tokenConfig(token: TokenOptions) {
  const config = resolveConfig({ vhosts: { v: { token: { enabled: true, ...token } } } });
  return config.vhosts.get('v')?.token ?? defaultVhost().token;
}

const HS = tokenConfig({ jwtSecrets: [SECRET] });
const PUBLIC = tokenConfig({ jwks: '/keys.json' });

function sign(claims: JWTPayload, key: KeyObject | Uint8Array = Buffer.from(SECRET), header = {}) {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(key);
}

/** A verifier with a key set, what it said and how often it read. */
function verifier(read: () => Promise<string> = () => Promise.resolve(JSON.stringify(JWKS))) {
  const clock = { now: NOW };
  const problems: string[] = [];
  let reads = 0;
  const jwt = new JwtVerifier({
    now: () => clock.now,
    monotonic: () => clock.now,
    onProblem: (message) => problems.push(message),
    readJwks: () => {
      reads += 1;
      return read();
    },
  });
  return { jwt, clock, problems, reads: () => reads };
}

async function detail(token: string, config = HS, wanted: Parameters<JwtVerifier['problem']>[1] = WANTED) {
  return (await verifier().jwt.problem(token, wanted, config))?.detail;
}

describe('JSON Web Tokens (S002)', () => {
  it.each(['HS256', 'HS384', 'HS512'])('S002 %s with a secret is good', async (alg) => {
    const secret = 'x'.repeat(64);
    const config = tokenConfig({ jwtSecrets: [SECRET, secret] });
    expect(await detail(await sign(CLAIMS, Buffer.from(secret), { alg }), config)).toBeUndefined();
  });

  it.each(['RS256', 'RS512', 'PS256'])(
    'S002 %s with a key of the set is good, by its id or without',
    async (alg) => {
      expect(await detail(await sign(CLAIMS, rsa.privateKey, { alg, kid: 'rsa-1' }), PUBLIC)).toBeUndefined();
      expect(await detail(await sign(CLAIMS, rsa.privateKey, { alg }), PUBLIC)).toBeUndefined();
    },
  );

  it('S002 ES256 with a key of the set is good', async () => {
    const token = await sign(CLAIMS, ec.privateKey, { alg: 'ES256', kid: 'ec-1' });
    expect(await detail(token, PUBLIC)).toBeUndefined();
  });

  it('S002 several keys of a set that may fit are tried one after the other', async () => {
    const keys = [publicJwk(otherRsa.publicKey, {}), publicJwk(rsa.publicKey, {})];
    const { jwt } = verifier(() => Promise.resolve(JSON.stringify({ keys })));
    const token = await sign(CLAIMS, rsa.privateKey, { alg: 'RS256' });
    expect(await jwt.problem(token, WANTED, PUBLIC)).toBeUndefined();
  });

  it('S002 expired: refused at its second and the leeway', async () => {
    expect(await detail(await sign({ ...CLAIMS, exp: SECONDS - 4 }))).toBeUndefined();
    expect(await detail(await sign({ ...CLAIMS, exp: SECONDS - 5 }))).toBe('the token has expired');
  });

  it('S002 future: not valid yet, issued later than now, or for longer than max_lifetime', async () => {
    expect(await detail(await sign({ ...CLAIMS, nbf: SECONDS + 5, iat: SECONDS + 5 }))).toBeUndefined();
    expect(await detail(await sign({ ...CLAIMS, nbf: SECONDS + 6 }))).toBe('the token is not valid yet');
    expect(await detail(await sign({ ...CLAIMS, iat: SECONDS + 6 }))).toBe(
      'the token was issued in the future',
    );
    const short = tokenConfig({ jwtSecrets: [SECRET], maxLifetimeMs: 50_000 });
    expect(await detail(await sign(CLAIMS), short)).toBe('the token expires later than max_lifetime allows');
  });

  it('S002 tampered: a changed payload, header or signature is refused', async () => {
    const [header = '', payload = '', signature = ''] = (await sign(CLAIMS)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...CLAIMS, action: 'publish' })).toString('base64url');
    const wrong = "the token's signature is of no known key";
    expect(await detail([header, forged, signature].join('.'))).toBe(wrong);
    const hs384 = Buffer.from('{"alg":"HS384"}').toString('base64url');
    expect(await detail([hs384, payload, signature].join('.'))).toBe(wrong);
    expect(await detail([header, payload, signature.toLowerCase()].join('.'))).toBe(wrong);
    expect(await detail([header, payload, ''].join('.'))).toBe(wrong);
  });

  it('S002 alg none: refused in any case', async () => {
    const unsecured = new UnsecuredJWT(CLAIMS).encode();
    const refused = "the token's algorithm is not in jwt_algorithms";
    expect(await detail(unsecured)).toBe(refused);
    for (const alg of ['None', 'NONE', 'nOnE', '']) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
      expect(await detail(unsecured.replace(/^[^.]*/, header))).toBe(refused);
      expect(await detail(unsecured.replace(/^[^.]*/, header), PUBLIC)).toBe(refused);
    }
  });

  it('S002 wrong key: another secret, another private key, and a key of another kind are refused', async () => {
    const wrong = "the token's signature is of no known key";
    expect(await detail(await sign(CLAIMS, Buffer.from('y'.repeat(32))))).toBe(wrong);
    const other = await sign(CLAIMS, otherRsa.privateKey, { alg: 'RS256', kid: 'rsa-1' });
    expect(await detail(other, PUBLIC)).toBe(wrong);
    expect(await detail(await sign(CLAIMS, rsa.privateKey, { alg: 'RS256', kid: 'rsa-2' }), PUBLIC)).toBe(
      wrong,
    );
    expect(await detail(await sign(CLAIMS, rsa.privateKey, { alg: 'RS256' }))).toBe(wrong);
  });

  it('S002 wrong key: a public key is no secret', async () => {
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const confused = await sign(CLAIMS, Buffer.from(pem), { alg: 'HS256', kid: 'rsa-1' });
    expect(await detail(confused, PUBLIC)).toBe("the token's signature is of no known key");
  });

  it('S002 only the algorithms of jwt_algorithms', async () => {
    const config = tokenConfig({ jwtSecrets: [SECRET], jwtAlgorithms: ['ES256'] });
    expect(await detail(await sign(CLAIMS), config)).toBe("the token's algorithm is not in jwt_algorithms");
  });

  it.each([
    [{ exp: SECONDS + 60 }, "the token's action does not allow to play"],
    [{ ...CLAIMS, action: 'publish' }, "the token's action does not allow to play"],
    [{ ...CLAIMS, action: ['publish', 'play'] }, undefined],
    [{ ...CLAIMS, action: true }, "the token's action does not allow to play"],
    [{ action: 'play' }, "the token's claim exp is missing or wrong"],
    [{ ...CLAIMS, vhost: '__defaultVhost__', app: 'live', stream: 'livestream' }, undefined],
    [{ ...CLAIMS, stream: ['a', 'livestream'] }, undefined],
    [{ ...CLAIMS, stream: 'other' }, 'the token is for another stream'],
    [{ ...CLAIMS, app: [] }, 'the token is for another app'],
    [{ ...CLAIMS, vhost: null }, 'the token is for another vhost'],
  ])('S002 claims %j', async (claims, expected) => {
    expect(await detail(await sign(claims as JWTPayload))).toBe(expected);
  });

  it('S002 issuer and audience, where they are asked for', async () => {
    const config = tokenConfig({ jwtSecrets: [SECRET], jwtIssuer: 'me', jwtAudience: 'live' });
    expect(await detail(await sign({ ...CLAIMS, iss: 'me', aud: ['live', 'vod'] }), config)).toBeUndefined();
    expect(await detail(await sign({ ...CLAIMS, iss: 'you', aud: 'live' }), config)).toBe(
      "the token's claim iss is missing or wrong",
    );
    expect(await detail(await sign({ ...CLAIMS, iss: 'me' }), config)).toBe(
      "the token's claim aud is missing or wrong",
    );
  });

  it.each(['', '.', '..', 'a.b.c', 'eyJ.eyJ.x', 'x'.repeat(9000), 'e30.e30.', '\u0000'])(
    'S002 what is no token is refused: %s',
    async (token) => {
      expect(await detail(token)).toMatch(/no JWT|longer than 8192|algorithm/);
    },
  );

  it('S002 no changed byte of a good token leaves it good, or throws', async () => {
    const token = await sign(CLAIMS);
    const { jwt } = verifier();
    // The last character has bits that stand for nothing: strict or not, the rest decides.
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(await jwt.problem(changed, WANTED, HS)).toMatchObject({ wrong: true });
    }
  });

  it.each([
    (token: string) => `${token}=`,
    (token: string) => `${token}==`,
    (token: string) => `${token}!`,
    (token: string) => `${token} `,
    (token: string) => `${token}\n`,
    (token: string) => `${token}.`,
    (token: string) => `${token}.e30`,
    (token: string) => `${token}/livestream`,
    (token: string) => `${token}é`,
    (token: string) => `${token}A`,
    (token: string) => ` ${token}`,
    // The last character of a signature of 32 bytes has two bits of no meaning.
    (token: string) => token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1),
    (token: string) => token.replace('.', '!.'),
  ])('S002 a good token with more in it is refused (%#)', async (spoil) => {
    const token = await sign(CLAIMS);
    expect(await detail(token)).toBeUndefined();
    expect(await detail(spoil(token))).toEqual(expect.any(String));
  });
});
