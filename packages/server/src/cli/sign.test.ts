import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { resolveConfig } from '../config/index.ts';
import { AccessControl } from '../security/index.ts';
import { runCommandLine } from './index.ts';
import { runSign, type SignFlags } from './sign.ts';

const SECRET = 'a-secret-of-32-characters-or-more';
const NOW = 1_800_000_000_000;
const FLAGS: SignFlags = { action: 'play', for: 3600, secret: SECRET };
const cleanups: (() => unknown)[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function sign(url: string, flags: Partial<SignFlags> = {}, environment = {}) {
  let [out, err] = ['', ''];
  const code = runSign(
    url,
    { ...FLAGS, ...flags },
    {
      write: (text) => (out += text),
      explain: (text) => (err += text),
      environment,
      now: () => NOW,
    },
  );
  return { code, out: out.trimEnd(), err: err.trimEnd() };
}

function configFile(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sign-'));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, 'sluice.conf');
  writeFileSync(path, text);
  return path;
}

/** What a server with that secret says of the query. */
function verdict(param: string, vhostName: string, action: 'play' | 'publish', app = 'live') {
  const config = resolveConfig({ vhosts: { [vhostName]: { token: { enabled: true, secrets: [SECRET] } } } });
  const vhost = config.vhosts.get(vhostName);
  if (vhost === undefined) throw new Error('no vhost');
  const access = new AccessControl({ log: { warn: () => {} }, limits: () => config.limits, now: () => NOW });
  const client = { id: 'x', ip: '192.0.2.1', tcUrl: '', pageUrl: '', stream: 'livestream' };
  return access.check(action, { ...client, vhost, app, param });
}

const QUERY = 'expires=1800003600&sign=[0-9a-f]{64}';

describe('sluice sign (S002)', () => {
  it.each([
    ['rtmp://h/live/livestream', `rtmp://h/live/livestream\\?${QUERY}`, '__defaultVhost__'],
    ['rtmp://h/live/livestream?a=b', `rtmp://h/live/livestream\\?a=b&${QUERY}`, '__defaultVhost__'],
    ['rtmp://h/live?vhost=v/livestream', `rtmp://h/live\\?vhost=v/livestream\\?${QUERY}`, 'v'],
    ['rtmp://h/live/livestream?vhost=h', `rtmp://h/live/livestream\\?vhost=h&${QUERY}`, 'h'],
    ['http://h:8080/live/livestream.flv', `http://h:8080/live/livestream.flv\\?${QUERY}`, '__defaultVhost__'],
    ['http://h/live/livestream.m3u8?vhost=v', `http://h/live/livestream.m3u8\\?vhost=v&${QUERY}`, 'v'],
    ['wss://h/live/livestream.ts', `wss://h/live/livestream.ts\\?${QUERY}`, '__defaultVhost__'],
  ])('S002 signs %s', (url, expected, vhost) => {
    const { code, out, err } = sign(url);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${expected}$`));
    expect(err).toBe(`play of livestream in app live of vhost ${vhost}, until 2027-01-15T09:00:00.000Z`);
    const param = `?${/expires=.*/.exec(out)?.[0] ?? ''}`;
    expect(verdict(param, vhost, 'play')).toBeUndefined();
    expect(verdict(param, vhost, 'publish')).toMatchObject({ reason: 'token-denied' });
  });

  it('S002 for a publisher, a named vhost, an app of several parts and a time of its own', () => {
    const options = { action: 'publish', vhost: 'x.example.com', expires: NOW / 1000 + 5 } as const;
    const { out } = sign('rtmp://h/live/deep/livestream', options);
    expect(verdict(`?${out.split('?')[1] ?? ''}`, 'x.example.com', 'publish', 'live/deep')).toBeUndefined();
  });

  it('S002 takes vhost and secret from the configuration, and the secret from the environment', () => {
    const config = configFile(
      `listen 1935; vhost v.example.com { token { enabled on; secret ${SECRET}; } } vhost __defaultVhost__ { }`,
    );
    const wanted = sign('rtmp://h/live/livestream', { vhost: 'v.example.com' }).out.split('?')[1];
    const configured = sign('rtmp://v.example.com/live/livestream', { secret: undefined, config });
    expect(configured.out.split('?')[1]).toBe(wanted);
    const environment = { SLUICE_TOKEN_SECRET: SECRET };
    const fromEnvironment = sign(
      'rtmp://h/live/livestream',
      { secret: undefined, vhost: 'v.example.com' },
      environment,
    );
    expect(fromEnvironment.out.split('?')[1]).toBe(wanted);
    expect(sign('rtmp://other/live/livestream', { secret: undefined, config })).toMatchObject({ code: 2 });
  });

  it.each([
    ['rtmp://h', /must look like rtmp/],
    ['rtmp://h/live', /stream name is empty/],
    ['http://h/livestream.flv', /must look like http/],
    ['http://', /must look like http/],
    ['http://h/live/%zz.flv', /not percent-encoded well/],
    ['http://h/live/a.flv#x', /fragment/],
    ['rtmp://h/live/livestream?sign=00', /already/],
    ['livestream', /must look like rtmp/],
  ])('S002 %s is not signed', (url, message) => {
    expect(sign(url)).toEqual({ code: 2, out: '', err: expect.stringMatching(message) as string });
  });

  it('S002 without a secret nothing is signed; a configuration that is not there is named', () => {
    expect(sign('rtmp://h/live/livestream', { secret: undefined })).toMatchObject({ code: 2, out: '' });
    const { code, err } = sign('rtmp://h/live/livestream', { config: '/does/not/exist.conf' });
    expect(code).toBe(1);
    expect(err).toContain('/does/not/exist.conf');
  });

  it('S002 is a command of sluice', async () => {
    const written: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const url = 'rtmp://h/live/livestream';
    expect(await runCommandLine(['sign', url, '--secret', SECRET, '--for', '2h'])).toBe(0);
    expect(written.join('')).toMatch(/^rtmp:\/\/h\/live\/livestream\?expires=\d+&sign=[0-9a-f]{64}\n$/);
    expect(await runCommandLine(['sign', url, '--secret', SECRET, '--for', 'soon'])).toBe(2);
    expect(await runCommandLine(['sign', url, '--secret', SECRET, '--action', 'watch'])).toBe(2);
  });
});
