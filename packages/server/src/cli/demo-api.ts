import { type Command, InvalidArgumentError } from 'commander';

import { errorText } from '../error-text.ts';
import { DemoApi } from './demo-api-server.ts';

interface DemoApiFlags {
  readonly port: number;
  readonly host: string;
  readonly json?: true;
  readonly refuse?: readonly string[];
  readonly delay: number;
}

/** What the command needs from the process. */
export interface DemoApiTerminal {
  /** Writes a line. */
  readonly write: (line: string) => void;
  /** Writes a line about what went wrong. */
  readonly complain: (line: string) => void;
  /** Resolves when the user wants to stop. */
  readonly stopped: Promise<void>;
}

/** Adds `demo-api` to a program (W003). What it does ends with the process's exit code: 0, or 1 if it can't listen. */
export function registerDemoApiCommand(program: Command): void {
  program
    .command('demo-api')
    .description(
      'a callback server to try http_hooks and heartbeat with: prints what it is told and answers 0',
    )
    .option('-p, --port <port>', 'the port to listen on', portNumber, 8085)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--json', 'answer {"code":0} rather than 0')
    .option('--refuse <action...>', 'refuse these actions, e.g. on_publish')
    .option('--delay <ms>', 'wait so long before each answer', delayNumber, 0)
    .action(async (flags: DemoApiFlags) => {
      process.exitCode = await runDemoApi(flags, processTerminal());
    });
}

/** Runs the command and answers its exit code. */
export async function runDemoApi(flags: DemoApiFlags, terminal: DemoApiTerminal): Promise<number> {
  const { host, json = false, refuse = [], delay } = flags;
  const api = new DemoApi({ write: terminal.write, json, refuse, delayMs: delay });
  let port;
  try {
    port = await api.listen(flags.port, host);
  } catch (error) {
    const message = errorText(error);
    terminal.complain(`sluice demo-api: ${message}`);
    return 1;
  }
  const shown = host.includes(':') ? `[${host}]` : host;
  terminal.write(`callbacks go to http://${shown}:${port}/api/v1/, Ctrl-C ends it`);
  await terminal.stopped;
  await api.close();
  return 0;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('It is 0 to 65535.');
  return value;
}

function delayNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 600_000) throw new InvalidArgumentError('It is 0 to 600000.');
  return value;
}

function processTerminal(): DemoApiTerminal {
  return {
    write: (line) => {
      process.stdout.write(`${line}\n`);
    },
    complain: (line) => {
      process.stderr.write(`${line}\n`);
    },
    stopped: new Promise((resolve) => {
      process.once('SIGINT', () => {
        resolve();
      });
      process.once('SIGTERM', () => {
        resolve();
      });
    }),
  };
}
