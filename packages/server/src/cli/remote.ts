import { type Command, InvalidArgumentError } from 'commander';

import { ApiError, SluiceApi } from '../api-client/index.ts';
import { ConfigError, loadConfig } from '../config/index.ts';
import { clientsTable, printable, streamsTable, summariesText, vhostsTable } from './remote-tables.ts';

/** The commands that talk to a running server. */
export const REMOTE_COMMANDS = ['streams', 'clients', 'vhosts', 'kick', 'reload', 'summaries'] as const;

/** One of {@link REMOTE_COMMANDS}. */
export type RemoteCommand = (typeof REMOTE_COMMANDS)[number];

/** How a command that talks to a server ends. */
export const RemoteExit = {
  done: 0,
  /** The server said no: an id that is not there, a reload that it refused. */
  refused: 1,
  /** The words on the command line, or the configuration that they name, are not understood. */
  usage: 2,
  /** No server answers there, or none with this API. */
  connection: 3,
  /** The name or the password is wrong, or the configuration does not allow it. */
  denied: 4,
} as const;

/** A value of {@link RemoteExit}. */
export type RemoteExit = (typeof RemoteExit)[keyof typeof RemoteExit];

/** What the commands need from the process. */
export interface RemoteTerminal {
  /** Takes what was asked for. */
  readonly write: (text: string) => void;
  /** Takes what went wrong. */
  readonly explain: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The words behind a command. */
export interface RemoteFlags {
  readonly api?: string | undefined;
  /** A configuration file that says where the API is, and its password. */
  readonly config?: string | undefined;
  readonly json?: true | undefined;
  readonly start?: number | undefined;
  readonly count?: number | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:1985';
const URL_VARIABLE = 'SLUICE_API';
const USER_VARIABLE = 'SLUICE_API_USER';
const PASSWORD_VARIABLE = 'SLUICE_API_PASSWORD';

/** What a list shows unless more is asked for. */
const DEFAULT_COUNT = 1_000;

const HELP = `
The server is the one of --api, else of ${URL_VARIABLE}, else of http_api in -c FILE, else ${DEFAULT_URL}.
A password is taken from ${USER_VARIABLE} and ${PASSWORD_VARIABLE}, or from -c FILE.`;

/** Adds the commands to a program. Each ends with the process's exit code, a value of {@link RemoteExit}. */
export function registerRemoteCommands(program: Command): void {
  for (const name of REMOTE_COMMANDS) {
    const isList = name === 'streams' || name === 'clients' || name === 'vhosts';
    const command = addRemoteOptions(program.command(name).description(descriptions[name]));
    if (name === 'kick') command.argument('<id>', 'the id of a client, as `sluice clients` shows it');
    if (isList) {
      command
        .option('--start <n>', 'skip so many', countNumber, 0)
        .option('--count <n>', 'show so many', countNumber, DEFAULT_COUNT);
    }
    command.action(async (...words: readonly unknown[]) => {
      const id = typeof words[0] === 'string' ? words[0] : '';
      const { config } = program.opts<{ config?: string }>();
      process.exitCode = await runRemote(
        name,
        id,
        { ...command.opts<RemoteFlags>(), config },
        processTerminal(),
      );
    });
  }
}

/** Adds to a command the words that say where the server is, and how it answers. */
export function addRemoteOptions(command: Command): Command {
  return command
    .option('--api <url>', `where the server's API is (${DEFAULT_URL})`)
    .option('--json', 'print JSON, as the API has it')
    .option('--timeout <s>', 'seconds that the server has to answer', secondsNumber, 10)
    .addHelpText('after', HELP);
}

const descriptions: Readonly<Record<RemoteCommand, string>> = {
  streams: 'list the streams of a running server',
  clients: 'list its publishers and players',
  vhosts: 'list its vhosts',
  kick: 'disconnect a publisher or a player',
  reload: 'have it read its configuration again (needs raw_api.allow_reload)',
  summaries: 'show the figures of server and machine',
};

/**
 * Runs a command and answers its exit code.
 *
 * @param id - of the client, for `kick`; else it doesn't matter
 */
export async function runRemote(
  name: RemoteCommand,
  id: string,
  flags: RemoteFlags,
  terminal: RemoteTerminal,
): Promise<RemoteExit> {
  return runWithApi(name, flags, terminal, (api) => perform(api, name, id, flags));
}

/**
 * Runs what asks a server, and answers the exit code of its command.
 *
 * @param name - of the command, for messages
 * @param ask - answers what is to be printed; throws ApiError, RemoteUsageError
 */
export async function runWithApi(
  name: string,
  flags: RemoteFlags,
  terminal: RemoteTerminal,
  ask: (api: SluiceApi) => Promise<string>,
): Promise<RemoteExit> {
  try {
    terminal.write(await ask(connect(flags, terminal.environment)));
    return RemoteExit.done;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof RemoteUsageError) {
      terminal.explain(`sluice ${name}: ${error.message}\n`);
      return RemoteExit.usage;
    }
    if (!(error instanceof ApiError)) throw error;
    const remedy =
      error.status === 401
        ? `; set ${USER_VARIABLE} and ${PASSWORD_VARIABLE}, or name the server's configuration with -c`
        : '';
    terminal.explain(`sluice ${name}: ${printable(error.message)}${remedy}\n`);
    return exitOf(error);
  }
}

/** Words that can't be followed; the message is for people. */
export class RemoteUsageError extends Error {
  readonly code = 'remote-usage';
}

function exitOf({ code }: ApiError): RemoteExit {
  switch (code) {
    case 'denied':
      return RemoteExit.denied;
    case 'not-found':
    case 'refused':
      return RemoteExit.refused;
    default:
      return RemoteExit.connection;
  }
}

async function perform(
  api: SluiceApi,
  name: RemoteCommand,
  id: string,
  { json, start, count }: RemoteFlags,
): Promise<string> {
  const page = { start, count: count ?? DEFAULT_COUNT };
  switch (name) {
    case 'streams':
      return shown(await api.streams(page), streamsTable, json);
    case 'clients':
      return shown(await api.clients(page), clientsTable, json);
    case 'vhosts':
      return shown(await api.vhosts(page), vhostsTable, json);
    case 'summaries':
      return shown(await api.summaries(), summariesText, json);
    case 'kick':
      await api.kick(id);
      return json === true ? '{}\n' : `${printable(id)} is disconnected\n`;
    case 'reload':
      await api.reload();
      return json === true ? '{}\n' : 'the configuration is reloaded\n';
  }
}

/** What is printed of an answer: for people, or as JSON. */
export function shown<Value>(value: Value, people: (value: Value) => string, json: true | undefined): string {
  return json === true ? `${JSON.stringify(value, undefined, 2)}\n` : people(value);
}

function connect(flags: RemoteFlags, environment: RemoteTerminal['environment']): SluiceApi {
  const config = flags.config === undefined ? undefined : loadConfig({ file: flags.config }).httpApi;
  const given = flags.api ?? environment[URL_VARIABLE];
  if (given === undefined && config?.enabled === false) {
    throw new RemoteUsageError(`http_api is off in ${flags.config ?? ''}: http_api { enabled on; }`);
  }
  const url = given ?? (config === undefined ? DEFAULT_URL : urlOf(config.listen[0]));
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new RemoteUsageError(`${printable(url)} is no URL such as ${DEFAULT_URL}`);
  }
  const username = environment[USER_VARIABLE];
  const password = environment[PASSWORD_VARIABLE];
  const fromConfig = config?.auth.enabled === true ? config.auth : undefined;
  const credentials =
    password === undefined ? fromConfig : { username: username ?? fromConfig?.username ?? '', password };
  return new SluiceApi({ url, credentials, timeoutMs: (flags.timeout ?? 10) * 1000 });
}

/** Where a server that listens on an address is reached from its own machine. */
function urlOf(address: { readonly host?: string; readonly port: number } | undefined): string {
  const { host = '127.0.0.1', port = 1985 } = address ?? {};
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}

/** A whole number of the command line. */
export function countNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1e9) throw new InvalidArgumentError('It is a whole number.');
  return value;
}

function secondsNumber(text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0 && value <= 3600)) {
    throw new InvalidArgumentError('It is a number of seconds up to 3600.');
  }
  return value;
}

/** The process's own. */
export function processTerminal(): RemoteTerminal {
  return {
    write: (text) => {
      process.stdout.write(text);
    },
    explain: (text) => {
      process.stderr.write(text);
    },
    environment: process.env,
  };
}
