import { readFileSync } from 'node:fs';

import { play, publish } from '@sluice/rtmp/node';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { type Config, loadConfig, planReload, reloadProblem } from '../config/index.ts';
import { avcHeader, numberIn, video } from '../remux/test-kit.ts';
import { SluiceServer } from './index.ts';

const full = new URL('../../../../conf/full.conf', import.meta.url);
const loopback = { host: '127.0.0.1', port: 0 };

/** The configuration of a text, on free ports of this machine and with what takes part in a test alone. */
function load(text: string): Config {
  const config = loadConfig({ text, env: {} });
  const on = { enabled: true, listen: [loopback] };
  return {
    ...config,
    listen: [loopback],
    maxConnections: 100,
    httpApi: { ...config.httpApi, ...on },
    httpServer: { ...config.httpServer, ...on },
  };
}

describe('conf/full.conf', () => {
  it('C004 reloads line by line under a player that loses no frame', { timeout: 120_000 }, async () => {
    const lines = readFileSync(full, 'utf8').split('\n');
    const whole = load(lines.join('\n'));
    const errors: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => errors.push(line) });
    const server = new SluiceServer(whole, log);
    onTestFinished(() => server.close());
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
      onMedia: ({ type, payload }) => {
        const number = numberIn(type, payload);
        if (number >= 0) numbers.push(number);
      },
    });
    send();
    let reloads = 0;
    for (const [index, line] of lines.entries()) {
      if (!/^\s*[a-z]\w*( .*)?;$/.test(line)) continue;
      let without;
      try {
        without = load(lines.toSpliced(index, 1).join('\n'));
      } catch {
        // What is required, or another line needs.
        continue;
      }
      // An edge stays one.
      if (reloadProblem(planReload(whole, without)) !== undefined) continue;
      for (const config of [without, whole]) {
        reloads += (await server.apply(config)).length > 0 ? 1 : 0;
        send();
      }
    }
    expect(reloads).toBeGreaterThan(100);
    await vi.waitFor(() => {
      expect(numbers.at(-1)).toBe(sent - 1);
    });
    expect(numbers).toEqual(Array.from({ length: sent }, (_, number) => number));
    expect(errors).toEqual([]);
  });
});
