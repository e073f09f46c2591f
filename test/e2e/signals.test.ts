import { readFileSync } from 'node:fs';

import { describe, expect, it, onTestFinished } from 'vitest';

import {
  freePorts,
  isListening,
  openPlayer,
  openPublisher,
  RunningProcess,
  sluiceMain,
  startSluice,
  waitFor,
} from '../harness/index.ts';

const frame = { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 1, 0, 0, 0, 1, 2, 3) } as const;

/** Signals after which a server goes on. */
const harmless = [
  'SIGHUP',
  'SIGUSR1',
  'SIGPIPE',
  'SIGALRM',
  'SIGIO',
  'SIGPWR',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGWINCH',
] as const;
/** The bit of SIGSTKFLT, whose handler is the last that the program sets. */
const LAST_BIT = 1n << 15n;

function send(server: RunningProcess, count: number): void {
  for (let sent = 0; sent < count; sent += 1) {
    // Not by turns: each follows each other.
    const signal = harmless[(sent * sent + Math.floor(sent / 7)) % harmless.length];
    if (signal !== undefined) server.kill(signal);
  }
}

/** Whether the program's own handlers stand: before that Node itself starts, which no program can change. */
function hasHandlers(pid: number | undefined): boolean {
  const mask = /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8'))?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & LAST_BIT) !== 0n;
}

describe.skipIf(process.platform !== 'linux')('storms of signals', { timeout: 180_000 }, () => {
  it('G003: from the first line of the program until it serves', async () => {
    const [rtmp = 0] = await freePorts(1);
    const env = {
      SRS_LISTEN: String(rtmp),
      SRS_MAX_CONNECTIONS: '10',
      SRS_LOG_TANK: 'console',
      SRS_DAEMON: 'off',
    };
    const server = new RunningProcess(process.execPath, [sluiceMain, '-e'], { env });
    onTestFinished(() => {
      server.kill('SIGKILL');
    });
    await waitFor(() => (hasHandlers(server.pid) ? true : undefined), 'the handlers stand');
    await waitFor(async () => {
      send(server, 50);
      if (server.exit !== undefined) throw new Error(server.describe('ended by a signal'));
      return (await isListening(rtmp)) ? true : undefined;
    }, 'it listens');
    send(server, 200);
    const publisher = await openPublisher(rtmp, 'a');
    const player = await openPlayer(rtmp, 'a');
    publisher.sendMedia(frame);
    await player.untilMedia(1);
    server.kill('SIGTERM');
    await server.succeeded();
  });

  it('G003: a stop that is asked for during the start is kept', async () => {
    const [rtmp = 0] = await freePorts(1);
    const env = {
      SRS_LISTEN: String(rtmp),
      SRS_MAX_CONNECTIONS: '10',
      SRS_LOG_TANK: 'console',
      SRS_DAEMON: 'off',
    };
    const server = new RunningProcess(process.execPath, [sluiceMain, '-e'], { env });
    onTestFinished(() => {
      server.kill('SIGKILL');
    });
    await waitFor(() => (hasHandlers(server.pid) ? true : undefined), 'the handlers stand');
    server.kill('SIGTERM');
    await server.succeeded();
  });

  it('G003: thousands in a server with clients, and during its stop', async () => {
    const sluice = await startSluice();
    onTestFinished(() => sluice.stop());
    const publisher = await openPublisher(sluice.ports.rtmp, 'a');
    const player = await openPlayer(sluice.ports.rtmp, 'a');
    for (let count = 1; count <= 30; count += 1) {
      send(sluice.process, 100);
      publisher.sendMedia({ ...frame, timestamp: count * 40 });
      await player.untilMedia(count);
    }
    sluice.process.kill('SIGTERM');
    send(sluice.process, 500);
    expect((await sluice.process.exited()).code).toBe(0);
  });
});
