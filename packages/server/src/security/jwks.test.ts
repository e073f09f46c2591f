import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { JwksError, JwksSource, type JwksSourceOptions } from './jwks.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function keySet(...ids: readonly string[]): string {
  return JSON.stringify({ keys: ids.map((kid) => ({ ...publicKey.export({ format: 'jwk' }), kid })) });
}

function source(options: Partial<JwksSourceOptions>) {
  const clock = { now: 0 };
  const problems: string[] = [];
  const jwks = new JwksSource({
    source: 'keys.json',
    refreshMs: 60_000,
    timeoutMs: 2000,
    now: () => clock.now,
    onProblem: (message) => problems.push(message),
    ...options,
  });
  return { jwks, clock, problems, find: (kid: string) => jwks.keysFor({ alg: 'ES256', kid }) };
}

/** A set that is read from a list of answers, the last one again and again. */
function scripted(...answers: readonly (string | Error)[]) {
  let reads = 0;
  const made = source({
    read: () => {
      const answer = answers[Math.min(reads, answers.length - 1)] ?? '';
      reads += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { ...made, reads: () => reads };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
}

describe('key sets (S002)', () => {
  it('S002 are read once for many tokens, also for those that come while they are read', async () => {
    const { find, reads } = scripted(keySet('a'));
    const found = await Promise.all([find('a'), find('a'), find('a')]);
    expect(found.map((keys) => keys.length)).toEqual([1, 1, 1]);
    expect(await find('a')).toHaveLength(1);
    expect(reads()).toBe(1);
  });

  it('S002 are read again in the background after the refresh time', async () => {
    const { find, clock, reads } = scripted(keySet('a'), keySet('b'));
    await find('a');
    clock.now = 60_000;
    expect(await find('a')).toHaveLength(1);
    expect(await find('b')).toHaveLength(1);
    expect(await find('a')).toEqual([]);
    expect(reads()).toBe(2);
  });

  it('S002 are read again for a key id that is not there, but not for each', async () => {
    const { find, clock, reads } = scripted(keySet('a'), keySet('a', 'b'));
    await find('a');
    expect(await find('b')).toEqual([]);
    expect(reads()).toBe(1);
    clock.now = 10_000;
    expect(await find('b')).toHaveLength(1);
    for (let index = 0; index < 50; index += 1) expect(await find(`made-up-${index}`)).toEqual([]);
    expect(reads()).toBe(2);
  });

  it('S002 that cannot be read again are used for one more hour', async () => {
    const { find, clock, problems } = scripted(keySet('a'), new Error('down'));
    await find('a');
    clock.now = 3_600_000;
    expect(await find('a')).toHaveLength(1);
    clock.now = 3_660_000;
    await expect(find('a')).rejects.toThrow(JwksError);
    expect(problems).toEqual([
      'JWKS keys.json: down; the keys read before are used on',
      'JWKS keys.json: down',
    ]);
  });

  it('S002 that cannot be had are asked for every 10 s at the most', async () => {
    const { find, clock, reads } = scripted(new Error('down'), keySet('a'));
    await expect(find('a')).rejects.toMatchObject({ code: 'jwks-unavailable' });
    await expect(find('a')).rejects.toThrow('the keys of keys.json cannot be had');
    expect(reads()).toBe(1);
    clock.now = 10_000;
    expect(await find('a')).toHaveLength(1);
  });

  it('S002 neither the password nor the query of their address is told', async () => {
    const { jwks, problems } = source({
      source: 'https://user:hidden@id.example.com/keys?token=hidden',
      read: () => Promise.reject(new Error('down')),
    });
    await expect(jwks.keysFor({ alg: 'ES256' })).rejects.toThrow(
      'keys of https://id.example.com/keys cannot',
    );
    expect(problems).toEqual(['JWKS https://id.example.com/keys: down']);
  });

  it.each([
    ['not json', 'it is not JSON'],
    ['[]', /no JSON Web Key Set/],
    ['{"keys":{}}', /no JSON Web Key Set/],
    [JSON.stringify({ keys: new Array(101).fill({ kty: 'EC' }) }), /101 keys, more than 100/],
  ])('S002 %.20s is no key set', async (text, message) => {
    const { find, problems } = scripted(text);
    await expect(find('a')).rejects.toThrow(JwksError);
    expect(problems[0]).toMatch(message);
  });

  it('S002 secrets and broken keys in a set are no keys', async () => {
    const keys = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 'a' },
      { kty: 'EC', crv: 'P-256', x: '!', kid: 'b' },
      null,
      1,
    ];
    const { find } = scripted(JSON.stringify({ keys }));
    expect(await find('a')).toEqual([]);
    await expect(find('b')).rejects.toThrow();
  });

  it('S002 come from a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-jwks-'));
    cleanups.push(() => {
      rmSync(directory, { recursive: true });
    });
    const path = join(directory, 'keys.json');
    const { find, problems, clock } = source({ source: path });
    await expect(find('a')).rejects.toThrow(JwksError);
    expect(problems[0]).toMatch(/ENOENT/);
    writeFileSync(path, keySet('a'));
    clock.now = 10_000;
    expect(await find('a')).toHaveLength(1);
    writeFileSync(path, ' '.repeat(300_000));
    clock.now = 100_000;
    expect(await find('b')).toEqual([]);
    expect(problems[1]).toMatch(/larger than 262144 bytes; the keys read before are used on/);
  });

  it('S002 come from a URL', async () => {
    const url = await serve((_request, response) => response.end(keySet('a')));
    expect(await source({ source: url }).find('a')).toHaveLength(1);
  });

  it('S002 a URL that redirects, fails, floods or hangs gives no keys', async () => {
    const listeners: readonly (readonly [RequestListener, RegExp])[] = [
      [(_request, response) => response.writeHead(302, { location: '/other' }).end(), /redirect/],
      [(_request, response) => response.writeHead(500).end(keySet('a')), /answer was 500/],
      [(_request, response) => response.end(' '.repeat(300_000)), /larger than 262144/],
      [() => {}, /time|abort/i],
      [(_request, response) => response.write('{'), /time|abort/i],
    ];
    for (const [listener, expected] of listeners) {
      const url = await serve(listener);
      const { find, problems } = source({ source: url, timeoutMs: 300 });
      await expect(find('a')).rejects.toThrow(JwksError);
      expect(problems[0]).toMatch(expected);
    }
  });
});
