import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
/** The bit of SIGUSR1, for which Node itself has a handler at first. */
const USR1_BIT = 1n << 9n;

function send(server: RunningProcess, count: number): void {
  for (let sent = 0; sent < count; sent += 1) {
    // Not by turns: each follows each other.
    const signal = harmless[(sent * sent + Math.floor(sent / 7)) % harmless.length];
    if (signal !== undefined) server.kill(signal);
  }
}

/** Whether the program's own handlers stand: before that Node itself starts, which no program can change. */
function hasHandlers(pid: number | undefined, bit = LAST_BIT): boolean {
  const mask = /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8'))?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & bit) !== 0n;
}

/** The TCP ports of IPv4 and IPv6 on which a process listens. */
function listeningPorts(pid: number | undefined): readonly number[] {
  const folder = `/proc/${pid ?? 'self'}`;
  const sockets = new Set<string>();
  for (const name of readdirSync(`${folder}/fd`)) {
    try {
      sockets.add(/^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/fd/${name}`))?.[1] ?? '');
    } catch {
      // Closed meanwhile.
    }
  }
  const ports = new Set<number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`${folder}/net/${table}`, 'utf8').trim().split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A' && sockets.has(inode)) ports.add(Number.parseInt(local.split(':')[1] ?? '', 16));
    }
  }
  return [...ports].sort((a, b) => a - b);
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

  it('G003: SIGUSR1 while Node itself starts leaves no debugger open', async () => {
    const [rtmp = 0] = await freePorts(1);
    const env = {
      SRS_LISTEN: String(rtmp),
      SRS_MAX_CONNECTIONS: '10',
      SRS_LOG_TANK: 'console',
      SRS_DAEMON: 'off',
      NODE_OPTIONS: undefined,
    };
    const server = new RunningProcess(process.execPath, [sluiceMain, '-e'], { env });
    onTestFinished(() => {
      server.kill('SIGKILL');
    });
    await waitFor(() => (hasHandlers(server.pid, USR1_BIT) ? true : undefined), "Node's handler stands");
    server.kill('SIGUSR1');
    await waitFor(async () => ((await isListening(rtmp)) ? true : undefined), 'it listens');
    const debuggerPort = 9229;
    expect(listeningPorts(server.pid)).toContain(rtmp);
    expect(listeningPorts(server.pid)).not.toContain(debuggerPort);
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
    // Until its last moment: the exit code is that of the stop, not of a signal.
    while (sluice.process.exit === undefined) {
      send(sluice.process, 100);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(sluice.process.exit).toEqual({ code: 0, signal: undefined });
  });
});
