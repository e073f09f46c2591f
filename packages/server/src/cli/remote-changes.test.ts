import { afterEach, describe, expect, it } from 'vitest';
import { type ApiKit, apiKit } from '../api/test-kit.ts';
import { type ChangeFlags, runChanges, runRollback, runSet } from './remote-changes.ts';
import { RemoteExit, type RemoteTerminal } from './remote.ts';

const cleanups: (() => unknown)[] = [];
const OPEN: ApiKit = { httpApi: { rawApi: { enabled: true, allowUpdate: true } } };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(kit: ApiKit = OPEN) {
  const { app, asked } = apiKit(kit);
  const api = await app.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => app.close());
  return { api, asked };
}

async function run(command: (terminal: RemoteTerminal) => Promise<RemoteExit>) {
  let out = '';
  let err = '';
  const code = await command({
    write: (text) => {
      out += text;
    },
    explain: (text) => {
      err += text;
    },
    environment: {},
  });
  return { code, out, err };
}

function set(words: readonly string[], flags: ChangeFlags) {
  return run((terminal) => runSet(words, flags, terminal));
}

function rollback(id: string | undefined, flags: ChangeFlags) {
  return run((terminal) => runRollback(id, flags, terminal));
}

describe('sluice set', () => {
  it.each([
    [['b', 'gop_cache=off', 'hls.hls_fragment=5'], 'b', { gop_cache: 'off', 'hls.hls_fragment': '5' }],
    [['b', 'refer.play=a=b', 'x='], 'b', { 'refer.play': 'a=b', x: null }],
    [
      ['b', 'security.allow=play all', 'security.allow=publish ::1'],
      'b',
      { 'security.allow': ['play all', 'publish ::1'] },
    ],
    [['max_connections=5'], undefined, { max_connections: '5' }],
  ])('C005 %j', async (words, vhost, settings) => {
    const { api, asked } = await listen();
    expect(await set(words, { api })).toEqual({
      code: 0,
      out: 'vhost off.example.com: …\na note\nchange 7 is made\n',
      err: '',
    });
    expect(asked).toMatchObject([{ vhost, settings, dryRun: false }]);
  });

  it('C005 --dry-run prints what would be otherwise', async () => {
    const { api, asked } = await listen();
    const { out } = await set(['b', 'gop_cache=off'], { api, dryRun: true });
    expect(out).toBe('vhost off.example.com: …\na note\n');
    expect(asked).toMatchObject([{ dryRun: true }]);
    const idle = await listen({ ...OPEN, changes: { ok: true, removed: [], lines: [], notes: [] } });
    expect((await set(['a=b'], { api: idle.api, dryRun: true })).out).toBe('nothing would change\n');
    expect((await set(['a=b'], { api: idle.api })).out).toBe('nothing has changed\n');
    expect(JSON.parse((await set(['a=b'], { api: idle.api, json: true })).out)).toMatchObject({ lines: [] });
  });

  it.each([[[]], [['b']], [['b', 'gop_cache']], [['b', '=off']], [['gop_cache=off', 'b']]])(
    'C005 %j is not understood',
    async (words) => {
      const { api, asked } = await listen();
      expect(await set(words, { api })).toMatchObject({ code: RemoteExit.usage, out: '' });
      expect(asked).toEqual([]);
    },
  );

  it('C005 says why not', async () => {
    const closed = await listen({});
    const denied = await set(['a=b'], { api: closed.api });
    expect(denied).toMatchObject({ code: RemoteExit.denied });
    expect(denied.err).toContain('allow_update');
    const changes = { ok: false, code: 'bad-value', message: '`a` takes one value' } as const;
    const bad = await listen({ ...OPEN, changes });
    expect(await set(['a=b'], { api: bad.api })).toEqual({
      code: RemoteExit.refused,
      out: '',
      err: 'sluice set: `a` takes one value\n',
    });
  });
});

describe('sluice changes and rollback', () => {
  it('C005 lists', async () => {
    const { api } = await listen();
    const { code, out } = await run((terminal) => runChanges({ api }, terminal));
    expect(code).toBe(0);
    const [head, first, second, third] = out.split('\n');
    expect(head).toMatch(/^ID {2}AT .* BY .* VHOST .* DIRECTIVE .* VALUE .* BEFORE {2}STATE$/);
    expect(first).toMatch(
      /^7 {3}2026-11-21 05:00:00 {2}admin@192\.0\.2\.1 .*hls\.hls_fragment .*5 .* 10 .* counts$/,
    );
    expect(second).toMatch(/http:\/\/a\/, http:\/\/b\/ .* - .* under change 8$/);
    expect(third).toMatch(/^6 .* ::1 .* left out: gone$/);
  });

  it('C005 takes back one, those after one, all', async () => {
    const { api, asked } = await listen();
    await rollback('7', { api });
    await rollback('6', { api, after: true, dryRun: true });
    await rollback(undefined, { api, all: true });
    expect(asked).toMatchObject([
      { which: { id: '7' }, dryRun: false },
      { which: { after: '6' }, dryRun: true },
      { which: { all: true }, dryRun: false },
    ]);
  });

  it.each([
    [undefined, {}],
    [undefined, { after: true }],
    ['7', { all: true }],
    [undefined, { all: true, after: true }],
  ] as const)('C005 rollback of %s with %j is not understood', async (id, flags) => {
    const { api, asked } = await listen();
    expect(await rollback(id, { ...flags, api })).toMatchObject({ code: RemoteExit.usage });
    expect(asked).toEqual([]);
  });
});
