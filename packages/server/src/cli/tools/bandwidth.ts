import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { ClientSession, parseRtmpUrl, RtmpError, type RtmpUrl } from '@sluice/rtmp';
import type { Command } from 'commander';

import { errorOf } from '../../error-text.ts';
import { BANDWIDTH_TICK_MS, BandwidthClient, type BandwidthResult } from '../../bandwidth/index.ts';
import { secondsNumber } from '../publish.ts';
import { processTerminal, runTool, ToolExit, type ToolTerminal } from './terminal.ts';

/** The flags of `sluice bandwidth`. */
export interface BandwidthFlags {
  /** Seconds without anything of the server. */
  readonly timeout: number;
  readonly json?: true;
}

/** Adds `bandwidth` to a program. What it does ends with the process's exit code, a value of {@link ToolExit}. */
export function registerBandwidthCommand(program: Command): void {
  program
    .command('bandwidth')
    .description('test the bandwidth to and from a server: a vhost of it with bandcheck{}')
    .argument('<url>', 'rtmp://host[:port]/app?key=KEY&vhost=VHOST')
    .option('--timeout <s>', 'seconds that the server may say nothing', secondsNumber, 10)
    .option('--json', 'print the result as JSON')
    .action(async (url: string, flags: BandwidthFlags) => {
      process.exitCode = await runBandwidth(url, flags, processTerminal());
    });
}

/** Runs the command and answers its exit code (B003). */
export function runBandwidth(url: string, flags: BandwidthFlags, terminal: ToolTerminal): Promise<ToolExit> {
  return runTool('bandwidth', terminal, async (signal) => {
    const target = parseRtmpUrl(url);
    const result = await measure(target, flags.timeout * 1000, signal, (phase) => {
      terminal.say(phase === 'playing' ? 'measuring from the server…\n' : 'measuring to the server…\n');
    });
    if (result === undefined) return ToolExit.done;
    terminal.output.write(flags.json === true ? `${JSON.stringify(result)}\n` : resultText(result));
    return ToolExit.done;
  });
}

function resultText(result: BandwidthResult): string {
  const { playKbps, playBytes, playMs, publishKbps, publishBytes, publishMs } = result;
  return [
    `from the server: ${playKbps} kbps (${playBytes} bytes in ${playMs} ms)\n`,
    `to the server:   ${publishKbps} kbps (${publishBytes} bytes in ${publishMs} ms)\n`,
  ].join('');
}

/** Undefined when the signal is aborted before there is a result. */
function measure(
  target: RtmpUrl,
  timeoutMs: number,
  signal: AbortSignal,
  onPhase: (phase: 'playing' | 'publishing') => void,
): Promise<BandwidthResult | undefined> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(target);
    let result: BandwidthResult | undefined;
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const client = new BandwidthClient({
      send: (name, data) => {
        session.call(name, [null, data]);
      },
      waitingBytes: () => socket.writableLength,
      onPhase,
      onResult: (found) => {
        result = found;
        socket.end();
      },
    });
    const session = new ClientSession({
      send: (bytes) => {
        socket.write(bytes);
      },
      handler: {
        onHandshaken: () => {
          session.connect({ tcUrl: target.tcUrl, app: target.app });
        },
        onConnected: () => undefined,
        onRejected: (status) => {
          const { code, description } = status;
          fail(new RtmpError('rejected', `the server refused: ${code}: ${description}`, { status }));
        },
        onCall: (name, _transaction, args) => {
          client.receive(name, args, performance.now());
        },
      },
    });
    const timer = setInterval(() => {
      client.tick(performance.now());
    }, BANDWIDTH_TICK_MS);
    const onAbort = (): void => {
      socket.destroy();
    };
    signal.addEventListener('abort', onAbort);
    socket.setTimeout(timeoutMs, () => {
      fail(
        new RtmpError('timeout', `the server said nothing for ${timeoutMs} ms; has its vhost bandcheck{}?`),
      );
    });
    socket.once(target.secure ? 'secureConnect' : 'connect', () => {
      session.start();
    });
    socket.on('data', (bytes: Uint8Array) => {
      try {
        session.write(bytes);
      } catch (error) {
        fail(errorOf(error));
      }
    });
    socket.on('error', (error) => {
      fail(
        new RtmpError('connection-failed', `${target.host}:${target.port}: ${error.message}`, {
          cause: error,
        }),
      );
    });
    socket.on('close', () => {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      if (result === undefined && !signal.aborted) {
        reject(
          new RtmpError('connection-closed', 'the server closed the connection; has its vhost bandcheck{}?'),
        );
      } else {
        resolve(result);
      }
    });
  });
}

function openSocket({ secure, host, port }: RtmpUrl): Socket {
  if (!secure) return connectTcp({ host, port, noDelay: true });
  return connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) });
}
