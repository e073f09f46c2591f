import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import { ConfigError } from '../errors.ts';
import type { Config } from '../types.ts';
import { ConfigFile, type PreparedEdit } from './config-file.ts';
import { MAX_EDITS, overlayPath, parseOverlay } from './overlay-file.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const MAIN = 'listen 1935; vhost a { gop_cache off; hls { hls_fragment 10; } } vhost b { }';
const BY = { user: 'admin', address: '192.0.2.1' };

function makeFile(text = MAIN): { main: string; overlay: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-changes-'));
  folders.push(folder);
  const main = join(folder, 'srs.conf');
  writeFileSync(main, text);
  return { main, overlay: overlayPath(main) };
}

function open(text = MAIN) {
  const paths = makeFile(text);
  const file = new ConfigFile({ file: paths.main, env: {} });
  const config = file.load();
  let at = Date.UTC(2026, 10, 21);
  async function make(prepared: PreparedEdit): Promise<Config> {
    await (await prepared.save()).commit();
    prepared.settle();
    return prepared.config;
  }
  return {
    ...paths,
    file,
    config,
    change: async (settings: Record<string, unknown>, vhost: string | null = 'a') =>
      make(file.edit({ vhost: vhost ?? undefined, settings, by: BY, at: (at += 1000) })),
    back: (id: string) => make(file.rollback({ id })),
    make,
  };
}

function fragment(config: Config, vhost = 'a'): number | undefined {
  return config.vhosts.get(vhost)?.hls.fragmentMs;
}

describe('ConfigFile', () => {
  it('C005 a change counts, lasts, and tells who, when and what was before', async () => {
    const { change, file, main, overlay } = open();
    const config = await change({ 'hls.hls_fragment': 5, gop_cache: true, 'play.mw_latency': 100 });
    expect(fragment(config)).toBe(5000);
    expect(config.vhosts.get('a')?.play).toMatchObject({ gopCache: true, mergedWriteLatencyMs: 100 });
    expect(fragment(config, 'b')).toBe(10_000);
    const settings = [
      { directive: 'hls.hls_fragment', value: '5', before: '10', overriddenBy: undefined },
      { directive: 'play.gop_cache', value: 'on', before: 'off', overriddenBy: undefined },
      { directive: 'play.mw_latency', value: '100', before: null, overriddenBy: undefined },
    ];
    const wanted = { id: '1', at: '2026-11-21T00:00:01.000Z', by: BY, vhost: 'a', settings };
    expect(file.list()).toEqual([{ ...wanted, problem: undefined }]);
    // Another process reads the same.
    const later = new ConfigFile({ file: main, env: {} });
    expect(fragment(later.load())).toBe(5000);
    expect(later.list()).toEqual(file.list());
    expect(JSON.parse(readFileSync(overlay, 'utf8'))).toMatchObject({ version: 1, next: 2 });
    expect(statSync(overlay).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(overlay, '..')).sort()).toEqual(['srs.conf', 'srs.conf.overlay.json']);
  });

  it('C005 goes over the environment, lists and rules', async () => {
    const { main } = makeFile();
    const file = new ConfigFile({ file: main, env: { SRS_MAX_CONNECTIONS: '77' } });
    expect(file.load().maxConnections).toBe(77);
    const root = file.edit({ settings: { max_connections: 88, listen: '1935 1936' }, by: BY, at: 0 });
    expect(root.config).toMatchObject({ maxConnections: 88, listen: [{ port: 1935 }, { port: 1936 }] });
    expect(root.edit?.settings['max_connections']?.before).toBe('77');
    const rules = file.edit({
      vhost: 'b',
      settings: { 'security.enabled': true, 'security.allow': ['play all', 'publish 10.0.0.0/8'] },
      by: BY,
      at: 0,
    });
    expect(rules.config.vhosts.get('b')?.security).toMatchObject({
      enabled: true,
      allow: [
        { action: 'play', who: 'all' },
        { action: 'publish', who: '10.0.0.0/8' },
      ],
    });
  });

  it('C005 null is the default, whatever the file says', async () => {
    const { change } = open();
    const config = await change({ 'play.gop_cache': null });
    expect(config.vhosts.get('a')?.play.gopCache).toBe(true);
  });

  it('C005 repeated blocks: the one that counts is changed', async () => {
    const text =
      'listen 1935; vhost a { http { enabled on; } http_static { mount x/; } http_static { mount y/; } }';
    const { change } = open(text);
    const config = await change({ 'http_static.dir': '/srv' });
    expect(config.vhosts.get('a')?.httpStatic).toMatchObject({ mount: 'x/', dir: '/srv' });
  });

  it('C005 a block of a list is named by its label', async () => {
    const { change, file } = open('listen 1935; vhost a { ingest x { } ingest y { } }');
    const config = await change({ 'ingest(y).enabled': true });
    expect(config.vhosts.get('a')?.ingests.map(({ enabled }) => enabled)).toEqual([false, true]);
    const edit = { vhost: 'a', settings: { 'ingest(z).enabled': true }, by: BY, at: 0 };
    expect(() => file.edit(edit)).toThrow('there is no `ingest z`');
  });

  it('C005 rolled back, it is as if it had never been made: later changes stay', async () => {
    const { back, change, file } = open();
    await change({ 'hls.hls_fragment': 5, 'play.queue_length': 7 });
    await change({ 'hls.hls_fragment': 6 });
    expect(file.list()[1]?.settings[0]).toMatchObject({ directive: 'hls.hls_fragment', overriddenBy: '2' });
    const prepared = file.rollback({ id: '1' });
    expect(prepared.notes).toEqual([
      'vhost a: hls.hls_fragment is as change 2 has it, with or without change 1',
    ]);
    expect(prepared.removed.map(({ id }) => id)).toEqual(['1']);
    const config = await back('1');
    expect(fragment(config)).toBe(6000);
    expect(config.vhosts.get('a')?.play.queueLengthMs).toBe(30_000);
    expect(fragment(await back('2'))).toBe(10_000);
    expect(file.list()).toEqual([]);
    // Ids are never given twice.
    await change({ 'hls.hls_fragment': 9 });
    expect(file.list()[0]?.id).toBe('3');
  });

  it('C005 the later of two changes rolled back, the earlier one counts again', async () => {
    const { back, change } = open();
    await change({ 'hls.hls_fragment': 5 });
    await change({ 'hls.hls_fragment': 6 });
    expect(fragment(await back('2'))).toBe(5000);
  });

  it('C005 what a later change needs is not taken back alone', async () => {
    const { change, file, make } = open();
    await change({ 'token.secret': '0123456789abcdef' });
    await change({ 'token.enabled': true });
    expect(() => file.rollback({ id: '1' })).toThrow('`token` needs a `secret`');
    const config = await make(file.rollback({ all: true }));
    expect(config.vhosts.get('a')?.token.enabled).toBe(false);
  });

  it('C005 back to a point, and to the file as it is', async () => {
    const { change, file, make } = open();
    for (const value of [5, 6, 7, 8]) await change({ 'hls.hls_fragment': value });
    expect(fragment(await make(file.rollback({ after: '2' })))).toBe(6000);
    expect(file.list().map(({ id }) => id)).toEqual(['2', '1']);
    expect(fragment(await make(file.rollback({ all: true })))).toBe(10_000);
    expect(() => file.rollback({ id: '2' })).toThrow('there is no change 2');
    expect(() => file.rollback({ after: 'x' })).toThrow('there is no change x');
  });

  it('C005 what does not fit any more is kept, told and left out, and fits again', async () => {
    const { change, file, main } = open();
    await change({ 'hls.hls_fragment': 5 });
    await change({ max_connections: 50 }, null);
    writeFileSync(main, 'listen 1935; vhost b { }');
    const config = file.load();
    file.accept(config);
    expect(config.maxConnections).toBe(50);
    expect(config.warnings.map(({ message }) => message)).toEqual([
      `change 1 of ${overlayPath(main)} is left out: there is no vhost \`a\``,
    ]);
    expect(file.list().map(({ id, problem }) => [id, problem])).toEqual([
      ['2', undefined],
      ['1', 'there is no vhost `a`'],
    ]);
    writeFileSync(main, MAIN);
    expect(fragment(file.load())).toBe(5000);
  });

  it('C005 a change does not bring along what stands in the file since', async () => {
    const { change, main } = open();
    writeFileSync(main, MAIN.replace('hls_fragment 10', 'hls_fragment 33; broken'));
    const config = await change({ 'play.queue_length': 7 });
    expect(fragment(config)).toBe(10_000);
  });

  it('C005 includes are those that the server runs with', async () => {
    const { change, file, main } = open();
    const folder = join(main, '..');
    writeFileSync(join(folder, 'v.inc'), 'vhost c { }');
    writeFileSync(main, 'listen 1935; include v.inc; include *.more; vhost a { }');
    file.accept(file.load());
    rmSync(join(folder, 'v.inc'));
    writeFileSync(join(folder, 'x.more'), 'vhost d { }');
    const config = await change({ 'play.queue_length': 7 });
    expect([...config.vhosts.keys()]).toEqual(['c', 'a']);
  });

  it.each([
    [{ 'hls.hls_fragment': 'abc' }, '`hls_fragment`: expected seconds'],
    [{ 'play.time_jitter': 'some' }, 'expected one of `full`, `zero`, `off`'],
    [{ 'security.allow': 'play nobody' }, 'expected `all` or an IP address'],
    [{ 'token.enabled': true }, '`token` needs a `secret`'],
    [{ chunk_size: 5 }, 'out of range'],
    [{ gop_cache: 'on', 'play.gop_cache': 'off' }, 'given twice'],
    [{}, 'no setting is named'],
    [{ nonsense: 1 }, 'unknown directive `nonsense`'],
  ])('C005 %j is refused, and nothing is written', async (settings, words) => {
    const { file, main } = open();
    const edit = { vhost: 'a', settings, by: BY, at: 0 };
    expect(() => file.edit(edit)).toThrow(words);
    expect(() => file.edit(edit)).not.toThrow(/^change/);
    expect(readdirSync(join(main, '..'))).toEqual(['srs.conf']);
    expect(() => file.edit({ ...edit, vhost: 'z', settings: { enabled: 'off' } })).toThrow('no vhost `z`');
  });

  it('C005 secrets are told to nobody', async () => {
    const { change, file, overlay } = open('listen 1935; vhost a { token { secret 0123456789abcdef; } }');
    await change({ 'token.secret': ['fedcba9876543210'] });
    const shown = JSON.stringify(file.list());
    expect(shown).not.toMatch(/0123456789abcdef|fedcba9876543210/);
    expect(file.list()[0]?.settings[0]).toMatchObject({ value: '(secret)', before: '(secret)' });
    // The file has to have it.
    expect(readFileSync(overlay, 'utf8')).toContain('fedcba9876543210');
    expect(readFileSync(overlay, 'utf8')).not.toContain('0123456789abcdef');
  });

  it.each([
    ['', 'JSON'],
    ['{', 'JSON'],
    ['[]', 'object'],
    ['{"version":2,"next":1,"changes":[]}', 'version'],
    ['{"version":1,"next":1,"changes":[{"id":"1"}]}', 'changes[0]'],
    ['{"version":1,"next":1,"changes":[],"more":1}', 'more'],
  ])('C005 the overlay file %j starts no server, and the error says what helps', (text, words) => {
    const { main, overlay } = makeFile();
    writeFileSync(overlay, text);
    const file = new ConfigFile({ file: main, env: {} });
    expect(() => file.load()).toThrow(ConfigError);
    expect(() => file.load()).toThrow(words);
    expect(() => file.load()).toThrow(/srs\.conf\.overlay\.json: .*Mend the file, or move it away/);
  });

  it('C005 a value of the overlay file that is wrong names the file and the change', async () => {
    const { change, main, overlay } = open();
    await change({ 'hls.hls_fragment': 5 });
    writeFileSync(overlay, readFileSync(overlay, 'utf8').replace('"value": "5"', '"value": "five"'));
    const file = new ConfigFile({ file: main, env: {} });
    expect(() => file.load()).toThrow(
      /overlay\.json: change 1 \(mend it here, or take it out\): `hls_fragment`/,
    );
  });

  it('C005 a file of changes that was edited by hand is not written over', async () => {
    const { change, file, overlay } = open();
    await change({ 'hls.hls_fragment': 5 });
    writeFileSync(overlay, readFileSync(overlay, 'utf8').replace('"value": "5"', '"value": "6"'));
    await expect(change({ 'hls.hls_fragment': 7 })).rejects.toMatchObject({ code: 'changed-by-hand' });
    const config = file.load();
    file.accept(config);
    expect(fragment(config)).toBe(6000);
    expect(fragment(await change({ 'hls.hls_fragment': 7 }))).toBe(7000);
  });

  it('C005 a place that may not be written to: nothing has changed', async () => {
    const { file, main } = open();
    const prepared = file.edit({ vhost: 'a', settings: { enabled: 'off' }, by: BY, at: 0 });
    rmSync(join(main, '..'), { recursive: true });
    folders.splice(0);
    await expect(prepared.save()).rejects.toMatchObject({
      code: 'changes-not-saved',
      message: expect.stringContaining('nothing has changed') as string,
    });
    expect(file.list()).toEqual([]);
  });

  it('C005 what is prepared and discarded leaves nothing', async () => {
    const { file, main } = open();
    const prepared = file.edit({ vhost: 'a', settings: { enabled: 'off' }, by: BY, at: 0 });
    await (await prepared.save()).discard();
    expect(readdirSync(join(main, '..'))).toEqual(['srs.conf']);
  });

  it('C005 changes have a limit', () => {
    const { main, overlay } = makeFile();
    const changes = Array.from({ length: MAX_EDITS }, (_, index) => ({
      id: String(index + 1),
      at: '2026-11-21T00:00:00.000Z',
      by: { address: '::1' },
      settings: { max_connections: { value: '5', before: null } },
    }));
    writeFileSync(overlay, JSON.stringify({ version: 1, next: 1, changes }));
    const file = new ConfigFile({ file: main, env: {} });
    expect(file.load().maxConnections).toBe(5);
    const edit = { settings: { max_connections: 6 }, by: BY, at: 0 };
    expect(() => file.edit(edit)).toThrow('write what is to last into');
  });

  it('C005 without a file there is no place for changes', () => {
    const file = new ConfigFile({ env: { SRS_LISTEN: '1935', SRS_ENV_ONLY: 'on' } });
    expect(file.load().listen).toEqual([{ port: 1935 }]);
    expect(file.changesFile).toBeUndefined();
    expect(file.list()).toEqual([]);
    expect(() => file.rollback({ all: true })).toThrow('no place to last');
  });
});

describe('parseOverlay', () => {
  it('takes anything for a file of changes, or says that it is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseOverlay('x', text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe('URLs that are set by the API', () => {
  it('K001 are known as such, but for those that stand in the file, too', async () => {
    const text = 'listen 1935; vhost a { http_hooks { enabled on; on_play http://10.0.0.1/own; } }';
    const { change, back } = open(text);
    const urls = { 'http_hooks.on_connect': ['http://127.0.0.1/x', 'http://10.0.0.1/own'] };
    const config = await change(urls);
    expect(config.urlsByApi).toEqual(['http://127.0.0.1/x']);
    const more = await change({ 'heartbeat.url': 'http://169.254.169.254/' }, null);
    expect(more.urlsByApi).toEqual(['http://127.0.0.1/x', 'http://169.254.169.254/']);
    expect((await back('1')).urlsByApi).toEqual(['http://169.254.169.254/']);
  });

  it.each([
    [{ 'heartbeat.url': 'http://127.0\n.0.1/' }],
    [{ 'heartbeat.url': 'http://127.0.0.1/ ' }],
    [{ 'http_hooks.on_connect': ['http://127.0\t.0.1/'] }],
    [{ 'http_hooks.on_connect': ['http://127.0.0.1\u00a0/'] }],
    [{ 'hls.hls_path': './a\u0000b' }],
  ])('K001 S002 nothing is hidden from the check of where they lead: %j', async (settings) => {
    const text = 'listen 1935; heartbeat { enabled on; } vhost a { http_hooks { enabled on; } }';
    const vhost = 'heartbeat.url' in settings ? null : undefined;
    await expect(open(text).change(settings, vhost)).rejects.toMatchObject({
      code: expect.stringMatching(/^(bad-value|config-value)$/) as string,
    });
  });

  it('S002 the text as a whole is known, too, where a directive may take it so', async () => {
    const { change } = open('listen 1935; vhost a { token { enabled on; jwks x.json; } }');
    const config = await change({ 'token.jwks': 'https://127.0.0.1/keys ' });
    expect(config.urlsByApi).toContain('https://127.0.0.1/keys ');
  });

  it.each(['outbound.private', 'trusted_proxies', 'http_api.allowed_hosts'])(
    'K001 %s is not changed by the API',
    async (name) => {
      await expect(open().change({ [name]: '127.0.0.1' }, null)).rejects.toMatchObject({
        code: 'setting-guarded',
      });
    },
  );
});
