import { parseRtmpUrl, parseTcUrl, resolveStreamUrl, RtmpError } from '@sluice/rtmp';
import { type Command, InvalidArgumentError, Option } from 'commander';

import {
  type Config,
  ConfigError,
  DEFAULT_VHOST,
  findVhost,
  loadConfig,
  vhostInQuery,
} from '../config/index.ts';
import { signedQuery } from '../security/index.ts';

/** What the command needs from the process. */
export interface SignTerminal {
  /** Takes the signed URL. */
  readonly write: (text: string) => void;
  /** Takes what is said about it. */
  readonly explain: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ms since the epoch. */
  readonly now: () => number;
}

/** The words behind `sluice sign URL`. */
export interface SignFlags {
  readonly action: 'play' | 'publish';
  readonly secret?: string | undefined;
  readonly config?: string | undefined;
  readonly vhost?: string | undefined;
  /** Seconds. */
  readonly for: number;
  /** Seconds since the epoch. */
  readonly expires?: number | undefined;
}

/** What a URL is of. `vhost` is what it asks for by name, and `host` its host. */
interface StreamAddress {
  readonly host: string;
  readonly vhost: string | undefined;
  readonly app: string;
  readonly stream: string;
  /** What joins more parameters to the URL. */
  readonly joint: '?' | '&';
}

/** Words on the command line that can't be followed; the message is for people. */
class SignProblem extends Error {
  readonly code = 'sign-usage';
}

const SECRET_VARIABLE = 'SLUICE_TOKEN_SECRET';
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MEDIA_EXTENSION = /\.(flv|ts|aac|mp3|m3u8)$/;

/** Adds `sign` to a program. The exit code is 0, 1 for a configuration that can't be used, and 2 for the rest. */
export function registerSignCommand(program: Command): void {
  program
    .command('sign')
    .description('sign a URL for a vhost with token{}: prints it with expires and sign')
    .argument('<url>', 'rtmp://host/app/stream, or http://host/app/stream.flv and its like')
    .addOption(new Option('--action <action>', 'what it allows').choices(['play', 'publish']).default('play'))
    .option('--secret <secret>', `the secret of token{}; else ${SECRET_VARIABLE}, else that of -c FILE`)
    .option('--vhost <name>', 'the vhost in the configuration that the URL is of')
    .option('--for <time>', 'how long it is good: seconds, or 30m, 12h, 7d', lifetime, 3600)
    .option(
      '--expires <seconds>',
      'the end of its time in seconds since 1970, rather than --for',
      epochSeconds,
    )
    .action((url: string, flags: SignFlags) => {
      const { config } = program.opts<{ config?: string }>();
      process.exitCode = runSign(url, { ...flags, config }, processTerminal());
    });
}

/** Runs the command and answers its exit code. */
export function runSign(url: string, flags: SignFlags, terminal: SignTerminal): number {
  try {
    const config = flags.config === undefined ? undefined : loadConfig({ file: flags.config });
    const address = addressOf(url);
    const vhost = vhostOf(address, flags, config);
    const secret = secretOf(vhost, flags, config, terminal);
    const expires = flags.expires ?? Math.floor(terminal.now() / 1000) + flags.for;
    const { app, stream, joint } = address;
    const query = signedQuery(secret, { action: flags.action, vhost, app, stream, expires });
    const end = new Date(expires * 1000).toISOString();
    terminal.write(`${url}${joint}${query}\n`);
    terminal.explain(`${flags.action} of ${stream} in app ${app} of vhost ${vhost}, until ${end}\n`);
    return 0;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof SignProblem || error instanceof RtmpError) {
      terminal.explain(`sluice sign: ${error.message}\n`);
      return error instanceof ConfigError ? 1 : 2;
    }
    throw error;
  }
}

function addressOf(url: string): StreamAddress {
  if (/[?&](expires|sign)=/.test(url)) throw new SignProblem('the URL has expires or sign already');
  if (url.includes('#')) throw new SignProblem('the URL has a fragment (#)');
  return /^(https?|wss?):/i.test(url) ? httpAddress(url) : rtmpAddress(url);
}

function rtmpAddress(url: string): StreamAddress {
  const { tcUrl, streamName } = parseRtmpUrl(url);
  const connected = parseTcUrl(tcUrl);
  const { host, vhost, app, stream } = resolveStreamUrl(connected, streamName);
  return {
    host,
    vhost: vhost === host && !/[?&](?:vhost|domain)=/.test(url) ? undefined : vhost,
    app,
    stream,
    joint: streamName.includes('?') ? '&' : '?',
  };
}

function httpAddress(text: string): StreamAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const path = url === undefined ? '' : decodedPath(url);
  const split = path.lastIndexOf('/');
  const app = path.slice(1, Math.max(1, split));
  const stream = path.slice(split + 1).replace(MEDIA_EXTENSION, '');
  if (url === undefined || app === '' || stream === '')
    throw new SignProblem('the URL must look like http://host/app/stream.flv');
  return {
    host: url.hostname,
    vhost: vhostInQuery(url.searchParams),
    app,
    stream,
    joint: text.includes('?') ? '&' : '?',
  };
}

function decodedPath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch (cause) {
    throw new SignProblem(`the path of the URL is not percent-encoded well: ${pathname}`, { cause });
  }
}

/** The vhost as the configuration names it. Without a configuration a host name may be that of a vhost or not. */
function vhostOf(address: StreamAddress, flags: SignFlags, config: Config | undefined): string {
  if (flags.vhost !== undefined) return flags.vhost;
  if (config === undefined) return address.vhost ?? DEFAULT_VHOST;
  const asked = address.vhost ?? address.host;
  const vhost = findVhost(config, asked);
  if (vhost === undefined) throw new SignProblem(`the configuration has no vhost for ${asked}`);
  return vhost.name;
}

function secretOf(
  vhost: string,
  flags: SignFlags,
  config: Config | undefined,
  { environment }: SignTerminal,
): string {
  const configured = config?.vhosts.get(vhost)?.token.secrets[0];
  const secret = flags.secret ?? environment[SECRET_VARIABLE] ?? configured;
  if (secret === undefined || secret === '')
    throw new SignProblem(`no secret: give --secret, ${SECRET_VARIABLE}, or -c FILE with token { secret … }`);
  return secret;
}

function lifetime(text: string): number {
  const match = /^(\d{1,9})([smhd])?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Seconds, or a time such as 30m, 12h or 7d.');
  return Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1);
}

function epochSeconds(text: string): number {
  if (!/^\d{1,11}$/.test(text)) throw new InvalidArgumentError('Seconds since 1970.');
  return Number(text);
}

function processTerminal(): SignTerminal {
  return {
    write: (text) => process.stdout.write(text),
    explain: (text) => process.stderr.write(text),
    environment: process.env,
    now: Date.now,
  };
}
