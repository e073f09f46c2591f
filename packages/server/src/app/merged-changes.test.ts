import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';

import { type Config, ConfigFile, planReload } from '../config/index.ts';
import { ConfigChanges } from './config-changes.ts';
import { Reloader } from './reload.ts';
import { StartError } from './start-error.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Changes of a server that counts how often it is reloaded, and can't listen on port 1. */
function start() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-merged-'));
  folders.push(folder);
  const main = join(folder, 'srs.conf');
  writeFileSync(main, 'listen 1935; max_connections 100; vhost __defaultVhost__ { } vhost b { }');
  const file = new ConfigFile({ file: main, env: {} });
  let config = file.load();
  const applied: Config[] = [];
  const apply = (next: Config) => {
    applied.push(next);
    if (next.listen.some(({ port }) => port === 1)) {
      return Promise.reject(new StartError('listen-failed', 'port 1 is in use'));
    }
    const changes = planReload(config, next);
    config = next;
    return Promise.resolve(changes);
  };
  const log = pino({ level: 'silent' });
  const reloader = new Reloader({
    log,
    load: () => file.load(),
    apply,
    onReloaded: (next) => file.accept(next),
  });
  const changes = new ConfigChanges({ log, file, reloader, config: () => config, apply });
  const change = (settings: Readonly<Record<string, unknown>>, vhost?: string) =>
    changes.change({ settings, vhost, by: { address: '127.0.0.1' }, at: 0 }, false);
  const kept = () =>
    (JSON.parse(readFileSync(`${main}.overlay.json`, 'utf8')) as { changes: { id: string }[] }).changes.map(
      ({ id }) => id,
    );
  return { applied, change, changes, config: () => config, kept };
}

describe('changes that wait at the same time', () => {
  it('C005 are one reload, and each is answered for itself', async () => {
    const { applied, change, changes, config, kept } = start();
    const answers = await Promise.all([
      change({ max_connections: 200 }),
      change({ max_connections: 'many' }),
      change({ 'play.queue_length': 20 }, 'b'),
      change({ max_connections: 300 }),
      change({ max_connections: 300 }),
      change({ 'play.queue_length': 20 }, 'nowhere'),
      change({}),
    ]);
    expect(applied).toHaveLength(1);
    expect(config().maxConnections).toBe(300);
    expect(
      answers.map((answer) =>
        answer.ok ? [answer.made?.id, ...answer.lines.map(({ text }) => text)] : answer.code,
      ),
    ).toEqual([
      ['1', 'max_connections: 100 -> 200'],
      'bad-value',
      ['2', 'vhost b: play.queue_length: 30000 ms -> 20000 ms'],
      ['3', 'max_connections: 200 -> 300'],
      [undefined],
      'no-such-block',
      'nothing-to-change',
    ]);
    expect(kept()).toEqual(['1', '2', '3']);
    expect(changes.list().map(({ id }) => id)).toEqual(['3', '2', '1']);
  });

  it('C005 of which one is what the server can not do: only that one is refused', async () => {
    const { applied, change, config, kept } = start();
    const answers = await Promise.all([
      change({ max_connections: 200 }),
      change({ listen: '1' }),
      change({ 'play.queue_length': 20 }, 'b'),
    ]);
    expect(answers.map((answer) => (answer.ok ? 'made' : answer.code))).toEqual([
      'made',
      'listen-failed',
      'made',
    ]);
    // Once together, then each for itself.
    expect(applied).toHaveLength(4);
    expect(config().maxConnections).toBe(200);
    expect(config().vhosts.get('b')?.play.queueLengthMs).toBe(20_000);
    expect(kept()).toEqual(['1', '2']);
  });

  it('C005 a rollback between them stays between them', async () => {
    const { change, changes, config } = start();
    const [, back] = await Promise.all([
      change({ max_connections: 200 }),
      changes.rollback({ all: true }, { address: '127.0.0.1' }, false),
      change({ 'play.queue_length': 20 }, 'b'),
    ]);
    expect(back.ok && back.removed.map(({ id }) => id)).toEqual(['1']);
    expect(config().maxConnections).toBe(100);
    expect(changes.list().map(({ id }) => id)).toEqual(['2']);
  });
});
