import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { play, publish } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SluiceApi } from '../api-client/index.ts';
import { ConfigFile, planReload } from '../config/index.ts';
import { avcHeader, numberIn, video } from '../remux/test-kit.ts';
import { SluiceServer } from './index.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Waits as long as a busy machine may need. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000 });
}

/** Free, and below those that the system gives others. A file can't name port 0. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createTcpServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => {
        resolve(false);
      });
      server.listen(port, '127.0.0.1', () => {
        server.close(() => {
          resolve(true);
        });
      });
    });
    if (isFree) return port;
  }
}

/** A server with a file, and its API; ports are free ones of this machine. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-changes-'));
  const main = join(folder, 'srs.conf');
  const [rtmp, http] = [await freePort(), await freePort()];
  const text =
    `listen 127.0.0.1:${rtmp}; max_connections 100; daemon off; http_api { enabled on; listen 127.0.0.1:${http};` +
    ' raw_api { enabled on; allow_update on; allow_reload on; }' +
    ' auth { enabled on; username admin; password "a b"; } }\n' +
    'vhost __defaultVhost__ { min_latency on; play { queue_length 10; } }\nvhost b { enabled off; }';
  writeFileSync(main, text);
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) },
  );
  const file = new ConfigFile({ file: main, env: {} });
  const server = new SluiceServer(file.load(), log, { file });
  cleanUps.push(
    () => {
      rmSync(folder, { recursive: true });
    },
    () => server.close(),
  );
  await server.start();
  const credentials = { username: 'admin', password: 'a b' };
  const api = new SluiceApi({ url: `http://127.0.0.1:${http}`, credentials });
  return {
    server,
    api,
    lines,
    main,
    text,
    overlay: `${main}.overlay.json`,
    url: `rtmp://127.0.0.1:${rtmp}/live/a`,
  };
}

describe('changes by the API', () => {
  it('C005 is made under a running stream without a lost frame, told in the log, and lasts', async () => {
    const { api, lines, main, server, url } = await start();
    const publisher = await publish(url);
    const numbers: number[] = [];
    await play(url, {
      onMedia: ({ flvTagType, payload }) => {
        const number = numberIn(flvTagType, payload);
        if (number >= 0) numbers.push(number);
      },
    });
    publisher.sendVideo(0, avcHeader());
    for (let number = 0; number < 10; number += 1)
      publisher.sendVideo(number * 40, video(number, { key: number === 0 }));
    const result = await api.changeVhost('__defaultVhost__', { 'play.queue_length': 5, gop_cache: false });
    for (let number = 10; number < 20; number += 1) publisher.sendVideo(number * 40, video(number, {}));
    expect(result).toMatchObject({
      dry_run: false,
      change: { id: '1', by: { user: 'admin', address: '127.0.0.1' } },
    });
    const told = [
      'vhost __defaultVhost__: play.gop_cache: on -> off',
      'vhost __defaultVhost__: play.queue_length: 10000 ms -> 5000 ms',
    ];
    expect(result.lines.map(({ text }) => text)).toEqual(told);
    expect(lines.filter((line) => line.startsWith('change 1'))).toEqual(
      told.map((line) => `change 1 by admin at 127.0.0.1: ${line}`),
    );
    expect(server.config.vhosts.get('__defaultVhost__')?.play).toMatchObject({
      queueLengthMs: 5000,
      gopCache: false,
    });
    await eventually(() => {
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, number) => number));
    });
    expect(planReload(server.config, new ConfigFile({ file: main, env: {} }).load())).toEqual([]);
    expect(await server.reload('test')).toMatchObject({ ok: true, changes: [] });
  });

  it('C005 a dry run tells the same lines and changes nothing', async () => {
    const { api, overlay, server } = await start();
    const before = server.config;
    const options = { dryRun: true };
    const result = await api.changeConfig({ max_connections: 50, 'limits.handshake_timeout': '3s' }, options);
    expect(result.lines.map(({ text }) => text)).toEqual([
      'max_connections: 100 -> 50',
      'limits.handshake_timeout: 10000 ms -> 3000 ms',
    ]);
    expect(result).toMatchObject({ dry_run: true, change: null });
    expect(server.config).toBe(before);
    expect(existsSync(overlay)).toBe(false);
    expect(await api.changes()).toEqual([]);
  });

  it('C005 what makes no difference is not kept', async () => {
    const { api, overlay } = await start();
    expect(await api.changeConfig({ max_connections: 100 })).toMatchObject({ change: null, lines: [] });
    expect(existsSync(overlay)).toBe(false);
  });

  it('C005 a vhost that is off is changed, too, and switched on', async () => {
    const { api, server } = await start();
    const { lines, change } = await api.changeVhost('b', { 'play.queue_length': 5 });
    expect({ lines, id: change?.id }).toEqual({ lines: [], id: '1' });
    expect(server.config.vhosts.get('b')?.play.queueLengthMs).toBe(5000);
    const on = await api.changeVhost('b', { enabled: true });
    expect(on.lines.map(({ text }) => text)).toEqual(['vhost b: added']);
    const [vhost] = (await api.vhosts()).filter(({ name }) => name === 'b');
    expect(
      (await api.changeVhost(vhost?.id ?? '', { enabled: false })).lines.map(({ text }) => text),
    ).toEqual(['vhost b: removed, its clients are disconnected']);
  });

  it('C005 a change, a reload of a changed file, a rollback', async () => {
    const { api, lines, main, overlay, server, text } = await start();
    await api.changeVhost('b', { enabled: true });
    await api.changeConfig({ max_connections: 50 });
    await api.changeConfig({ max_connections: 40 });
    writeFileSync(main, text.replace('vhost b { enabled off; }', 'vhost c { }'));
    await api.reload();
    expect(server.config).toMatchObject({ maxConnections: 40 });
    expect(lines).toContain(`reload: change 1 of ${overlay} is left out: there is no vhost \`b\``);
    expect((await api.changes()).map(({ id, applied }) => [id, applied])).toEqual([
      ['3', true],
      ['2', true],
      ['1', false],
    ]);
    const under = await api.rollback('2');
    expect(under.lines).toEqual([]);
    expect(under.notes).toEqual(['max_connections is as change 3 has it, with or without change 2']);
    expect((await api.rollback('3', { dryRun: true })).lines).toMatchObject([
      { text: 'max_connections: 40 -> 100' },
    ]);
    expect((await api.rollbackAfter('1')).removed.map(({ id }) => id)).toEqual(['3']);
    expect(server.config.maxConnections).toBe(100);
    expect((await api.rollbackAfter(undefined)).removed.map(({ id }) => id)).toEqual(['1']);
    expect(await api.changes()).toEqual([]);
    await expect(api.rollback('1')).rejects.toMatchObject({ code: 'not-found' });
    expect(lines.filter((line) => line.startsWith('rollback of'))).toEqual([
      'rollback of 2 by admin at 127.0.0.1: no change',
      'rollback of 3 by admin at 127.0.0.1: max_connections: 40 -> 100',
      'rollback of 1 by admin at 127.0.0.1: no change',
    ]);
  });

  it('C005 what the server can not do is neither made nor kept', async () => {
    const { api, lines, overlay, server } = await start();
    const busy = createTcpServer();
    cleanUps.push(() => busy.close());
    const port = await new Promise<number>((resolve) => {
      busy.listen(0, '127.0.0.1', () => {
        const address = busy.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const before = server.config;
    const listen = `${before.listen.map(({ port: own }) => `127.0.0.1:${own}`).join(' ')} 127.0.0.1:${port}`;
    await expect(api.changeConfig({ listen })).rejects.toMatchObject({ code: 'refused', status: 409 });
    expect(server.config).toBe(before);
    expect(existsSync(overlay)).toBe(false);
    expect(lines.at(-1)).toMatch(/^API: change by admin at 127\.0\.0\.1 refused: RTMP port .* is in use/);
    await expect(api.changeConfig({ 'http_api.enabled': false })).rejects.toThrow('in the file only');
    await expect(api.changeConfig({ max_connections: 'many' })).rejects.toThrow(
      '`max_connections`: expected',
    );
    await expect(api.changeVhost('z', { enabled: false })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('C005 many at once: each is made, in order, among reloads', async () => {
    const { api, overlay, server } = await start();
    const values = Array.from({ length: 20 }, (_, index) => index + 200);
    await Promise.all([
      ...values.map((value) => api.changeConfig({ max_connections: value })),
      ...values.map(() => server.reload('test')),
    ]);
    const changes = await api.changes();
    expect(changes).toHaveLength(20);
    expect(new Set(changes.map(({ id }) => id)).size).toBe(20);
    const [latest] = changes[0]?.settings ?? [];
    expect(server.config.maxConnections).toBe(Number(latest?.value));
    const { changes: kept } = JSON.parse(readFileSync(overlay, 'utf8')) as { changes: unknown[] };
    expect(kept).toHaveLength(20);
  });
});
