import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';

import { type Config, type ConfigChange, loadConfig, planReload, resolveConfig } from '../config/index.ts';
import { Reloader, ReloadError } from './reload.ts';

/** Waits as long as a busy machine may need. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000 });
}

function make(load: () => Config, apply: (config: Config) => Promise<readonly ConfigChange[]>) {
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) },
  );
  return { reloader: new Reloader({ log, load, apply }), lines };
}

describe('Reloader', () => {
  it('C004 a syntax error changes nothing, and the log says where it is', async () => {
    const apply = vi.fn(() => Promise.resolve([]));
    const load = () => loadConfig({ text: 'listen 1935\nvhost a {', file: 'my.conf', env: {} });
    const { reloader, lines } = make(load, apply);
    expect(await reloader.reload('SIGHUP')).toMatchObject({ ok: false, code: 'config-syntax' });
    expect(apply).not.toHaveBeenCalled();
    expect(lines[0]).toMatch(/^SIGHUP: not reloaded: my.conf:\d+:\d+: /);
  });

  it('C004 a bad value, an unknown directive: all of them are told', async () => {
    const apply = vi.fn(() => Promise.resolve([]));
    const load = () => loadConfig({ text: 'listen 1935; max_connections none; gop_cash on;', env: {} });
    const { reloader, lines } = make(load, apply);
    const result = await reloader.reload('the API');
    expect(result).toMatchObject({ ok: false, code: 'config-value' });
    expect(lines.join('\n')).toContain('max_connections');
    expect(lines.join('\n')).toContain('gop_cash');
    expect(apply).not.toHaveBeenCalled();
  });

  it('C006 what the server refuses is told with its code', async () => {
    const { reloader, lines } = make(resolveConfig, () =>
      Promise.reject(new ReloadError('vhost-mode-changed', 'vhost a must not')),
    );
    expect(await reloader.reload('SIGHUP')).toEqual({
      ok: false,
      code: 'vhost-mode-changed',
      message: 'vhost a must not',
    });
    expect(lines).toEqual(['SIGHUP: not reloaded: vhost a must not']);
  });

  it('the log tells a hundred changes one by one, and counts the others', async () => {
    const vhosts = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`v${at}`, {}]));
    const { reloader, lines } = make(resolveConfig, () =>
      Promise.resolve(planReload(resolveConfig(), resolveConfig({ vhosts }))),
    );
    await reloader.reload('SIGHUP');
    expect(lines).toHaveLength(102);
    expect(lines.at(-2)).toBe('reload: and 51 more');
    expect(lines.at(-1)).toMatch(/^SIGHUP: configuration reloaded, 151 changes, \d+ ms$/);
  });

  it('a fault of ours is no crash', async () => {
    const { reloader } = make(resolveConfig, () => Promise.reject(new TypeError('a fault')));
    expect(await reloader.reload('SIGHUP')).toEqual({
      ok: false,
      code: 'internal-error',
      message: 'a fault',
    });
  });

  it('C004 twice at once: one after the other, and the second sees the newest file', async () => {
    let version = 1;
    const applied: number[] = [];
    let release: () => void = () => undefined;
    const load = () => resolveConfig({ maxConnections: version });
    const { reloader } = make(load, async ({ maxConnections }) => {
      applied.push(maxConnections);
      await new Promise<void>((resolve) => (release = resolve));
      return [];
    });
    const first = reloader.reload('SIGHUP');
    await eventually(() => expect(applied).toEqual([1]));
    version = 2;
    const second = reloader.reload('the API');
    version = 3;
    const third = reloader.reload('SIGHUP');
    expect(third).toBe(second);
    release();
    expect(await first).toMatchObject({ ok: true });
    await eventually(() => expect(applied).toEqual([1, 3]));
    release();
    expect(await second).toMatchObject({ ok: true });
  });

  it('G003 a storm of signals costs two reloads', async () => {
    let loads = 0;
    const { reloader } = make(
      () => {
        loads += 1;
        return resolveConfig();
      },
      () => Promise.resolve([]),
    );
    const first = reloader.reload('SIGHUP');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.all([first, ...Array.from({ length: 10_000 }, () => reloader.reload('SIGHUP'))]);
    expect(loads).toBeLessThanOrEqual(2);
  });
});
