import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { play, publish } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { type Config, loadConfig, planReload, reloadProblem } from '../config/index.ts';
import { avcHeader, numberIn, video } from '../remux/test-kit.ts';
import { lineChanges } from '../config/reload/test-kit.ts';
import { SluiceServer, StartError } from './index.ts';

const full = new URL('../../../../conf/full.conf', import.meta.url);
const loopback = { host: '127.0.0.1', port: 0 };

/** Waits as long as a busy machine may need. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000 });
}

/** The configuration of a text, on free ports of this machine and with what takes part in a test alone. */
function load(text: string): Config {
  const config = loadConfig({ text, env: {} });
  const on = { enabled: true, listen: [loopback] };
  return {
    ...config,
    listen: [loopback],
    maxConnections: 100 + (config.maxConnections % 100),
    httpApi: { ...config.httpApi, ...on },
    httpServer: { ...config.httpServer, ...on },
    exporter: { ...config.exporter, listen: [loopback] },
  };
}

describe('conf/full.conf', () => {
  it('C004 reloads line by line under a player that loses no frame', { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-full-'));
    const text = readFileSync(full, 'utf8').replaceAll('./objs', folder);
    const whole = load(text);
    const errors: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => errors.push(line) });
    const server = new SluiceServer(whole, log);
    onTestFinished(async () => {
      await server.close();
      rmSync(folder, { recursive: true });
    });
    await server.start();
    const port = server.addresses.rtmp[0]?.port ?? 0;
    const url = `rtmp://127.0.0.1:${port}/live/test`;
    const publisher = await publish(url);
    publisher.sendVideo(0, avcHeader());
    let sent = 0;
    const send = (): void => {
      publisher.sendVideo(sent * 40, video(sent, { key: sent % 10 === 0 }));
      sent += 1;
    };
    const numbers: number[] = [];
    await play(url, {
      onMedia: ({ flvTagType, payload }) => {
        const number = numberIn(flvTagType, payload);
        if (number >= 0) numbers.push(number);
      },
    });
    send();
    let reloads = 0;
    const refused: string[] = [];
    for (const { config, line } of lineChanges(text, load)) {
      // An edge stays one.
      if (reloadProblem(planReload(whole, config)) !== undefined) continue;
      try {
        reloads += (await server.apply(config)).length > 0 ? 1 : 0;
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        refused.push(`${line.trim()} ${error.code}`);
      }
      send();
      reloads += (await server.apply(whole)).length > 0 ? 1 : 0;
      send();
    }
    // RTMPS and HTTPS without certificates.
    expect(refused).toEqual(Array.from({ length: 3 }, () => 'enabled off; certificate-unusable'));
    expect(reloads).toBeGreaterThan(400);
    await eventually(() => {
      expect(numbers.at(-1)).toBe(sent - 1);
    });
    expect(numbers).toEqual(Array.from({ length: sent }, (_, number) => number));
    expect(errors).toEqual([]);
  });
});
