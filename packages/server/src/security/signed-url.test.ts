import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { looksSigned, signedQuery, signedUrlProblem } from './signed-url.ts';

const SECRET = 'a-secret-of-32-characters-or-more';
const NOW = 1_800_000_000_000;
const WANTED = { action: 'play', vhost: '__defaultVhost__', app: 'live', stream: 'livestream' } as const;
const RULES = { secrets: [SECRET], leewayMs: 5000, maxLifetimeMs: 0 };
const EXPIRES = NOW / 1000 + 60;
const GOOD = `?${signedQuery(SECRET, { ...WANTED, expires: EXPIRES })}`;

function detail(query: string, wanted: Parameters<typeof signedUrlProblem>[1] = WANTED, rules = RULES) {
  return signedUrlProblem(query, wanted, rules, NOW)?.detail;
}

describe('signed URLs (S002)', () => {
  it('S002 a URL that is signed for it is good, also among other parameters and with hex in capitals', () => {
    expect(detail(GOOD)).toBeUndefined();
    expect(detail(`?vhost=x&${GOOD.slice(1)}&hls_ctx=abcdefgh`)).toBeUndefined();
    expect(detail(GOOD.replace(/sign=.*/, (sign) => `sign=${sign.slice(5).toUpperCase()}`))).toBeUndefined();
  });

  it('S002 the signature is what openssl makes as the manual says', () => {
    const lines = `play\n__defaultVhost__\nlive\nlivestream\n${EXPIRES}`;
    const answer = execFileSync('openssl', ['dgst', '-sha256', '-hmac', SECRET, '-r'], { input: lines });
    const [hex] = answer.toString().split(' ');
    expect(GOOD).toBe(`?expires=${EXPIRES}&sign=${hex ?? ''}`);
  });

  it('S002 expired: refused at its second and the leeway, not before', () => {
    const at = (expires: number) => detail(signedQuery(SECRET, { ...WANTED, expires }));
    expect(at(NOW / 1000 - 4)).toBeUndefined();
    expect(at(NOW / 1000 - 5)).toBe('the URL expired at 2027-01-15T07:59:55.000Z');
    expect(at(0)).toMatch(/expired/);
  });

  it('S002 future: one that lasts longer than max_lifetime is refused', () => {
    const rules = { ...RULES, maxLifetimeMs: 60_000 };
    expect(detail(GOOD, WANTED, rules)).toBeUndefined();
    const long = signedQuery(SECRET, { ...WANTED, expires: EXPIRES + 6 });
    expect(detail(long, WANTED, rules)).toBe('the URL expires later than max_lifetime allows');
    expect(detail(long)).toBeUndefined();
  });

  it.each([
    ['action', 'publish'],
    ['vhost', 'other.example.com'],
    ['app', 'other'],
    ['stream', 'other'],
  ] as const)('S002 tampered: not good for another %s', (name, value) => {
    expect(detail(GOOD, { ...WANTED, [name]: value })).toBe('the signature does not fit the URL');
  });

  it('S002 tampered: another expires', () => {
    expect(detail(GOOD.replace(`${EXPIRES}`, `${EXPIRES + 1}`))).toBe('the signature does not fit the URL');
  });

  it('S002 wrong key: refused; each of several secrets is good', () => {
    const other = 'another-secret-of-32-characters--';
    expect(detail(GOOD, WANTED, { ...RULES, secrets: [other] })).toBe('the signature does not fit the URL');
    expect(detail(GOOD, WANTED, { ...RULES, secrets: [other, SECRET] })).toBeUndefined();
    expect(detail(GOOD, WANTED, { ...RULES, secrets: [] })).toBe('the signature does not fit the URL');
  });

  it.each([
    ['?sign=00', /no expires/],
    [GOOD.replace('expires=', 'expires=+'), /no expires/],
    [GOOD.replace(/expires=\d+/, 'expires=1e99'), /no expires/],
    [GOOD.replace(/expires=\d+/, 'expires='), /no expires/],
    [GOOD.slice(0, -1), /no sign of 64/],
    [`${GOOD}0`, /no sign of 64/],
    [`${GOOD.slice(0, -1)}g`, /no sign of 64/],
    [`${GOOD}&expires=9`, /more than once/],
    [`${GOOD}&sign=9`, /more than once/],
    [GOOD.replace('sign=', 'Sign='), /no sign of 64/],
  ])('S002 refuses %s', (query, expected) => {
    expect(detail(query)).toMatch(expected);
  });

  it('S002 a line feed in a name does not make one grant another', () => {
    const [app, stream] = ['a\nb', 'c'];
    const query = signedQuery(SECRET, { ...WANTED, app: 'a', stream: 'b\nc', expires: EXPIRES });
    expect(detail(query, { ...WANTED, app, stream })).toBe('the names in the URL cannot be signed');
  });

  it('S002 no change of a good query is good, whatever is changed', () => {
    fc.assert(
      fc.property(
        fc.nat(GOOD.length - 1),
        fc.constantFrom(...Array.from('0123456789abcdefg&=?%')),
        (at, character) => {
          const query = GOOD.slice(0, at) + character + GOOD.slice(at + 1);
          fc.pre(query !== GOOD && at > 0);
          return detail(query) !== undefined;
        },
      ),
    );
  });

  it('looks signed by its parameter sign', () => {
    expect([looksSigned(GOOD), looksSigned(''), looksSigned('?design=1'), looksSigned('?sign=')]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
