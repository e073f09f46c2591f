import { Command, CommanderError, Option } from 'commander';

import { packageVersion } from '../app/index.ts';
import { ConfigError, ConfigFile } from '../config/index.ts';
import type { EarlySignals } from '../early-signals.ts';
import { serve } from './serve.ts';

/** Flags of the server itself; `sluice bench …` and the like are commands of their own. */
interface ServerFlags {
  readonly config?: string;
  readonly test?: true;
  readonly version?: true;
  readonly environment?: true;
  readonly signature?: true;
  readonly V?: true;
  readonly G?: true;
}

interface CommandGroup {
  readonly names: readonly string[];
  /** Adds them to the program. */
  readonly register: (program: Command) => Promise<void>;
}

/** All commands. They are read only when they are asked for: a server starts without them. */
const commandGroups: readonly CommandGroup[] = [
  {
    names: ['streams', 'clients', 'vhosts', 'kick', 'reload', 'summaries'],
    register: async (program) => {
      (await import('./remote.ts')).registerRemoteCommands(program);
    },
  },
  {
    names: ['set', 'changes', 'rollback'],
    register: async (program) => {
      (await import('./remote-changes.ts')).registerChangeCommands(program);
    },
  },
  {
    names: ['diff'],
    register: async (program) => {
      (await import('./diff.ts')).registerDiffCommand(program);
    },
  },
  {
    names: ['sign'],
    register: async (program) => {
      (await import('./sign.ts')).registerSignCommand(program);
    },
  },
  {
    names: ['publish'],
    register: async (program) => {
      (await import('./publish.ts')).registerPublishCommand(program);
    },
  },
  {
    names: ['dump', 'detect', 'flv', 'ingest-flv', 'ingest-rtmp', 'bandwidth'],
    register: async (program) => {
      (await import('./tools/index.ts')).registerToolCommands(program);
    },
  },
  {
    names: ['demo-api'],
    register: async (program) => {
      (await import('./demo-api.ts')).registerDemoApiCommand(program);
    },
  },
  {
    names: ['bench'],
    register: async (program) => {
      (await import('@sluice/bench')).registerBenchCommands(program);
    },
  },
];

const HELP_WORDS: ReadonlySet<string> = new Set(['-h', '--help', '-?', 'help']);

/**
 * Runs the command line (spec 5.5) and answers the exit code: 0 done or stopped in order, 1 a fault that is
 * named on stderr, 2 words that are not understood.
 *
 * @param words - the arguments without node and script
 * @param signals - what came since the process began; a command that is not the server releases them
 */
export async function runCommandLine(words: readonly string[], signals?: EarlySignals): Promise<number> {
  const version = packageVersion();
  let code = 0;
  const program = new Command('sluice')
    .description('A live streaming server: RTMP in; RTMP, HLS and live HTTP out; recordings.')
    .option('-c, --config <file>', 'the configuration file to run with')
    .option('-t, --test', 'check the configuration and exit: 0 when it is good')
    .option('-v, --version', 'print the version (also -V)')
    .addOption(new Option('-V').hideHelp())
    .option('-e, --environment', 'take the whole configuration from SRS_… environment variables')
    .option('-g, --signature', "print the server's signature (also -G)")
    .addOption(new Option('-G').hideHelp())
    .helpOption('-h, --help', 'print this help (also -?)')
    .allowExcessArguments()
    .exitOverride()
    .action(async (flags: ServerFlags) => {
      code = await runServer(program, flags, { version, signals });
    });
  const help = words.length === 0 || words.some((word) => HELP_WORDS.has(word));
  const wanted = commandGroups.filter(({ names }) => help || words.some((word) => names.includes(word)));
  for (const { register } of wanted) await register(program);
  if (wanted.length > 0) {
    signals?.release();
    endWithReader();
  }
  try {
    const asksForAll = words.length === 0 || (words.length === 1 && words[0] === 'help');
    await program.parseAsync(asksForAll ? ['--help'] : words.map(questionMarkAsHelp), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return code === 0 ? Number(process.exitCode ?? 0) : code;
}

/** Whoever reads what a command prints may go before its end, as `head` does: that is no fault. */
function endWithReader(): void {
  if (process.stdout.listenerCount('error') > 0) return;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

function questionMarkAsHelp(word: string): string {
  return word === '-?' ? '--help' : word;
}

interface ServerRun {
  readonly version: string;
  readonly signals: EarlySignals | undefined;
}

async function runServer(
  program: Command,
  flags: ServerFlags,
  { version, signals }: ServerRun,
): Promise<number> {
  const [word] = program.args;
  if (word !== undefined) {
    process.stderr.write(`sluice: no such command: ${word} (see sluice --help)\n`);
    return 2;
  }
  if (flags.version === true || flags.V === true) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (flags.signature === true || flags.G === true) {
    process.stdout.write(`Sluice/${version}\n`);
    return 0;
  }
  const environmentOnly = flags.environment === true ? true : undefined;
  const hasSource =
    flags.config !== undefined ||
    environmentOnly === true ||
    process.env['SRS_CONFIG_FILE'] !== undefined ||
    process.env['SRS_ENV_ONLY'] === 'on';
  if (!hasSource) {
    process.stderr.write('sluice: no configuration: name a file with -c FILE, or use -e\n');
    program.outputHelp({ error: true });
    return 2;
  }
  const file = new ConfigFile({ file: flags.config, env: process.env, environmentOnly });
  let config;
  try {
    config = file.load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    return 1;
  }
  if (flags.test === true) {
    for (const { path, file, line } of config.inactive) {
      process.stdout.write(`${file}:${line}: ${path} is not supported, ignored\n`);
    }
    for (const { file, line, message } of config.warnings) {
      process.stdout.write(`${line > 0 ? `${file}:${line}` : file}: ${message}\n`);
    }
    process.stdout.write(`${flags.config ?? 'the environment'}: the configuration is good\n`);
    return 0;
  }
  return serve(config, file, signals);
}
