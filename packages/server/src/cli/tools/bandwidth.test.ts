import { createServer, type Socket } from 'node:net';

import { ServerSession, type ServerSessionHandler } from '@sluice/rtmp';
import { adoptSocket } from '@sluice/rtmp/node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import {
  type BandwidthEnd,
  BandwidthGate,
  bandwidthRejection,
  RunningBandwidthTest,
} from '../../bandwidth/index.ts';
import { runBandwidth } from './bandwidth.ts';
import { ToolExit } from './terminal.ts';
import { fakeTerminal, startServer } from './test-kit.ts';

/** A door that does nothing but bandwidth tests, of 300 ms for each phase. */
async function startDoor(): Promise<{ app: string; ends: BandwidthEnd[] }> {
  const gate = new BandwidthGate();
  const bandcheck = { enabled: true, key: 'K', intervalMs: 60_000, limitKbps: 20_000 };
  const ends: BandwidthEnd[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((accepted) => {
    let test: RunningBandwidthTest | undefined;
    const nothing = (): void => undefined;
    const handler: ServerSessionHandler = {
      onPublish: nothing,
      onUnpublish: nothing,
      onPlay: nothing,
      onStop: nothing,
      onPause: nothing,
      onReceiveAudio: nothing,
      onReceiveVideo: nothing,
      onMedia: nothing,
      onConnect: (request) => {
        if (gate.check(bandcheck, request.tcUrl, performance.now()) !== undefined) {
          session.sendCommand('onStatus', 0, [null, bandwidthRejection()]);
          session.rejectConnect({ description: 'bandcheck rejected' });
          socket.destroySoon();
          return;
        }
        session.acceptConnect();
        test = new RunningBandwidthTest({
          session,
          socket,
          limitKbps: bandcheck.limitKbps,
          flash: request.swfUrl !== '',
          durationMs: 300,
          onEnd: (end) => {
            ends.push(end);
            socket.destroySoon();
          },
        });
      },
      onCall: (name) => test?.receive(name) ?? false,
    };
    const socket = adoptSocket(accepted, (bytes) => {
      session.write(bytes);
    });
    const session = new ServerSession({ handler, send: (bytes) => socket.write(bytes) });
    sockets.add(socket);
    socket.on('error', nothing);
    socket.on('close', () => {
      sockets.delete(socket);
      test?.close();
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { app: `rtmp://127.0.0.1:${port}/app`, ends };
}

describe('sluice bandwidth', () => {
  it('B002 B003 measures both ways over a connection, and prints what the server found', async () => {
    const { app, ends } = await startDoor();
    const terminal = fakeTerminal();
    const flags = { timeout: 10, json: true } as const;
    expect(await runBandwidth(`${app}?key=K&vhost=bandcheck`, flags, terminal)).toBe(ToolExit.done);
    expect(terminal.said).toBe('measuring from the server…\nmeasuring to the server…\n');
    const result = JSON.parse(terminal.printed) as Record<string, number>;
    await vi.waitUntil(() => ends.length > 0, { timeout: 5_000 });
    expect(ends).toEqual([{ kind: 'tested', result }]);
    expect(result['playBytes']).toBeGreaterThan(50_000);
    expect(result['publishBytes']).toBeGreaterThan(50_000);
    expect(result['playKbps']).toBeLessThan(25_000);
  });

  it('B001 B003 prints words for people, and says why there is no test', async () => {
    const { app } = await startDoor();
    const good = fakeTerminal();
    expect(await runBandwidth(`${app}?key=K`, { timeout: 10 }, good)).toBe(ToolExit.done);
    expect(good.printed).toMatch(
      /^from the server: \d+ kbps \(\d+ bytes in \d+ ms\)\nto the server: {3}\d+ kbps \(\d+ bytes in \d+ ms\)\n$/,
    );
    for (const url of [`${app}?key=wrong`, `${app}?key=K`]) {
      const terminal = fakeTerminal();
      expect(await runBandwidth(url, { timeout: 10 }, terminal)).toBe(ToolExit.refused);
      expect(terminal.said).toBe(
        'sluice bandwidth: the server refused: NetConnection.Connect.Rejected: bandcheck rejected\n',
      );
    }
  });

  it('says that a server does no tests, is not there, or that the URL is none', async () => {
    const { app } = await startServer();
    for (const [url, exit, words] of [
      [app, ToolExit.lost, 'the server said nothing for 300 ms'],
      ['rtmp://127.0.0.1:1/app', ToolExit.connection, 'REFUSED'],
      ['http://127.0.0.1/app', ToolExit.usage, 'rtmp://host/app/stream'],
    ] as const) {
      const terminal = fakeTerminal();
      expect(await runBandwidth(url, { timeout: 0.3 }, terminal)).toBe(exit);
      expect(terminal.said).toMatch(/^sluice bandwidth: [^\n]+\n$/);
      expect(terminal.said).toContain(words);
    }
  });

  it('ends when the user says so', async () => {
    const { app, ends } = await startDoor();
    const terminal = fakeTerminal();
    const done = runBandwidth(`${app}?key=K`, { timeout: 10 }, terminal);
    await vi.waitUntil(() => terminal.said !== '', { timeout: 5_000 });
    terminal.stop();
    expect(await done).toBe(ToolExit.done);
    expect(terminal.printed).toBe('');
    expect(ends).toEqual([]);
  });
});

describe('a server with bandcheck{}', () => {
  it('B001 B002 tests whoever connects, with the key and once in each interval', async () => {
    const { app } = await startServer(0, {
      'bandcheck.example.com': { bandcheck: { enabled: true, key: 'K', limitKbps: 800 } },
    });
    const url = `${app}?key=K&vhost=bandcheck.example.com`;
    const wrong = fakeTerminal();
    expect(await runBandwidth(url.replace('key=K', 'key=L'), { timeout: 10 }, wrong)).toBe(ToolExit.refused);
    expect(wrong.said).toContain('bandcheck rejected');
    const good = fakeTerminal();
    expect(await runBandwidth(url, { timeout: 10, json: true }, good)).toBe(ToolExit.done);
    const result = JSON.parse(good.printed) as Record<string, number>;
    for (const name of ['playKbps', 'publishKbps']) {
      expect(result[name]).toBeGreaterThan(100);
      expect(result[name]).toBeLessThan(1_000);
    }
    const again = fakeTerminal();
    expect(await runBandwidth(url, { timeout: 10 }, again)).toBe(ToolExit.refused);
  }, 30_000);
});
