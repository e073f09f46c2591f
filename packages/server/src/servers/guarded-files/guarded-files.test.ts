import { mkdtempSync, realpathSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it, vi } from 'vitest';

import { allowAll } from '../../clients/index.ts';
import { testClients } from '../../clients/test-kit.ts';
import { resolveConfig, type VhostOptions } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import { type Verdict } from '../../security/index.ts';
import type { VirtualRequest } from '../http/index.ts';
import type { FilePlace, HlsFiles, PlaceKind } from './context.ts';
import { Grants } from './grants.ts';
import { GuardedFiles } from './guarded-files.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-guarded-')));
const secret = 'YWJvdXQtNDAtcmFuZG9tLWNoYXJhY3RlcnM';
const config = resolveConfig({
  vhosts: {
    token: { token: { enabled: true, secrets: [secret] } },
    address: { security: { enabled: true } },
    page: { refer: { enabled: true, play: ['good.test'] } },
  } satisfies Record<string, VhostOptions>,
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function vhost(name: string) {
  return config.vhosts.get(name);
}

function place(name: string, kind: PlaceKind, stream = 's1', path = join(directory, stream)): FilePlace {
  return { kind, stream: { vhost: name, app: 'live', stream }, vhost: vhost(name), path };
}

function request(search = '', headers = {}): VirtualRequest {
  return {
    ...{ method: 'GET', host: 'x.test', path: '/x', file: '/x', rawPath: '/x', search, headers },
    remoteAddress: '192.0.2.1',
  } as const;
}

function guard(
  places: readonly FilePlace[],
  {
    verdict,
    hls,
    isPrivate = false,
  }: { verdict?: Verdict; hls?: Partial<HlsFiles>; isPrivate?: boolean } = {},
) {
  const check = vi.fn(() => Promise.resolve(verdict));
  const left = vi.fn();
  const files = new GuardedFiles({
    log: { info: () => undefined, debug: () => undefined },
    clients: testClients(() => resolveConfig({}), { authorizer: { ...allowAll, check, ended: left } })
      .clients,
    owners: { isPrivate: () => Promise.resolve(isPrivate), placesOf: () => Promise.resolve(places) },
    hls: {
      findFile: () => undefined,
      ownerOf: () => undefined,
      stored: () => ({ refused: 403 }),
      storedSegment: () => undefined,
      ...hls,
    },
  });
  const ask = (asked = request(), path = join(directory, 's1')) =>
    files.check({ path, identity: '1:1' }, asked);
  return { ask, check, files, left };
}

const allowed = { onDisk: { sent: expect.any(Function) as () => void } };

describe('GuardedFiles', () => {
  it('S001 leaves alone what is nobody’s, and hides what is the server’s own', async () => {
    expect(await guard([]).ask()).toBeUndefined();
    expect(await guard([], { isPrivate: true }).ask()).toEqual({ refused: 404 });
  });

  it('S001 asks for a recording as for a play, and tells its end at once', async () => {
    const { ask, check, left } = guard([place('token', 'recording')]);
    expect(await ask(request('?sign=1'))).toEqual(allowed);
    expect(check).toHaveBeenCalledWith(
      'play',
      expect.objectContaining({ app: 'live', stream: 's1', param: '?sign=1', ip: '192.0.2.1' }),
    );
    expect(left).toHaveBeenCalledTimes(1);
    const refusal = { reason: 'token-denied', detail: 'x' } as const;
    expect(await guard([place('token', 'hds')], { verdict: refusal }).ask()).toEqual({ refused: 403 });
  });

  it('K003 a client that seeks is asked about once, until the configuration changes', async () => {
    const { ask, check, files } = guard([place('token', 'recording')]);
    await ask(request('?a'));
    await ask(request('?a'));
    expect(check).toHaveBeenCalledTimes(1);
    await ask(request('?b'));
    expect(check).toHaveBeenCalledTimes(2);
    files.reconfigured();
    await ask(request('?a'));
    expect(check).toHaveBeenCalledTimes(3);
  });

  it('S001 refuses where the path does not tell whose it is', async () => {
    const unknown: FilePlace = { kind: 'unknown', vhost: vhost('token'), path: '/x' };
    const gone: FilePlace = { ...place('token', 'recording'), vhost: undefined };
    for (const places of [
      [unknown],
      [gone],
      [place('token', 'recording'), unknown],
      [place('token', 'recording', 's1'), place('token', 'recording', 's2')],
      [place('token', 'recording'), place('address', 'recording')],
    ]) {
      const { ask, check } = guard(places);
      expect(await ask()).toEqual({ refused: 403 });
      expect(check).not.toHaveBeenCalled();
    }
    // Rules about addresses are the same for all streams of the vhost.
    expect(await guard([place('address', 'hds', 's1'), place('address', 'hds', 's2')]).ask()).toEqual(
      allowed,
    );
  });

  it('S001 the stream that has written the file in this run decides', async () => {
    const places = [place('token', 'segment', 's1', '/f'), place('token', 'segment', 's2', '/f')];
    const ownerOf = (owner: StreamId) => ({ hls: { ownerOf: () => owner } });
    const mine = guard(places, ownerOf({ vhost: 'token', app: 'live', stream: 's2' }));
    expect(await mine.ask()).toEqual(allowed);
    const open = guard(places, ownerOf({ vhost: 'open', app: 'live', stream: 's2' }));
    expect(await open.ask()).toBeUndefined();
  });

  it('S001 segments on disk are for viewers, and what is in memory goes by its own rules', async () => {
    const refused = { refused: 403 } as const;
    const segment = [place('token', 'segment')];
    expect(await guard(segment, { hls: { storedSegment: () => refused } }).ask()).toBe(refused);
    expect(await guard(segment, { hls: { findFile: () => refused } }).ask()).toBe(refused);
    // Viewers can't be told apart, and nobody looks after the file any more: the query has to say it.
    const { ask, check } = guard(segment);
    await ask();
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('S001 a playlist on disk is read and answered by the rules of one in memory', async () => {
    await writeFile(join(directory, 's1'), '#EXTM3U\n');
    const stored = vi.fn(() => ({ refused: 403 }) as const);
    const { ask } = guard([place('token', 'playlist')], { hls: { stored } });
    expect(await ask()).toEqual({ refused: 403 });
    expect(stored).toHaveBeenCalledWith(
      expect.objectContaining({ text: '#EXTM3U\n', stream: { vhost: 'token', app: 'live', stream: 's1' } }),
      vhost('token'),
      expect.anything(),
    );
    expect(await ask(request(), join(directory, 'gone'))).toEqual({ refused: 404 });
  });

  it('R035 a page that is not listed gets no file', async () => {
    const { ask } = guard([place('page', 'recording')]);
    expect(await ask()).toEqual({ refused: 403 });
    expect(await ask(request('', { referer: 'http://evil.test/' }))).toEqual({ refused: 403 });
    expect(await ask(request('', { origin: 'http://www.good.test' }))).toEqual(allowed);
  });
});

describe('Grants', () => {
  it('are bounded in number and time', () => {
    let now = 0;
    const grants = new Grants({ maxGrants: 3, grantMs: 10 }, () => now);
    for (const key of ['a', 'b', 'c', 'd']) grants.add(key);
    expect(['a', 'b', 'c', 'd'].map((key) => grants.has(key))).toEqual([false, true, true, true]);
    now = 10;
    expect(grants.has('d')).toBe(false);
    grants.add('e');
    expect(grants.size).toBe(1);
  });
});
