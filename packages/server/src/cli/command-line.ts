import { Command, CommanderError, Option } from 'commander';

import { packageVersion } from '../app/index.ts';
import { ConfigError, ConfigFile } from '../config/index.ts';
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

/**
 * Runs the command line (spec 5.5) and answers the exit code: 0 done or stopped in order, 1 a fault that is
 * named on stderr, 2 words that are not understood.
 *
 * @param words - the arguments without node and script
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
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
      code = await runServer(program, flags, version);
    });
  // Tools are read only when they are asked for: a server starts without them.
  const help = words.includes('--help') || words.includes('-h');
  if (words[0] === 'bench' || help) {
    const { registerBenchCommands } = await import('../bench/index.ts');
    registerBenchCommands(program);
  }
  if (words[0] === 'publish' || help) {
    const { registerPublishCommand } = await import('./publish.ts');
    registerPublishCommand(program);
  }
  if (words[0] === 'demo-api' || help) {
    const { registerDemoApiCommand } = await import('./demo-api.ts');
    registerDemoApiCommand(program);
  }
  if (['streams', 'clients', 'vhosts', 'kick', 'reload', 'summaries'].includes(words[0] ?? '') || help) {
    const { registerRemoteCommands } = await import('./remote.ts');
    registerRemoteCommands(program);
  }
  if (['set', 'changes', 'rollback'].includes(words[0] ?? '') || help) {
    const { registerChangeCommands } = await import('./remote-changes.ts');
    registerChangeCommands(program);
  }
  if (['dump', 'detect', 'flv', 'ingest-flv', 'ingest-rtmp', 'bandwidth'].includes(words[0] ?? '') || help) {
    const { registerToolCommands } = await import('./tools/index.ts');
    registerToolCommands(program);
  }
  if (words[0] === 'diff' || help) {
    const { registerDiffCommand } = await import('./diff.ts');
    registerDiffCommand(program);
  }
  if (words[0] === 'sign' || help) {
    const { registerSignCommand } = await import('./sign.ts');
    registerSignCommand(program);
  }
  try {
    await program.parseAsync(words.length === 0 ? ['--help'] : words.map(questionMarkAsHelp), {
      from: 'user',
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return code === 0 ? Number(process.exitCode ?? 0) : code;
}

function questionMarkAsHelp(word: string): string {
  return word === '-?' ? '--help' : word;
}

async function runServer(program: Command, flags: ServerFlags, version: string): Promise<number> {
  const [word] = program.args;
  if (word !== undefined) {
    process.stderr.write(`sluice: no such command: ${word} (see sluice --help)\n`);
    return 2;
  }
  if (flags.version === true || flags.V === true) {
    process.stderr.write(`${version}\n`);
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
      process.stdout.write(`${file}:${line}: ${path} is accepted but does nothing in this version\n`);
    }
    for (const warning of config.warnings) process.stdout.write(`${warning.message}\n`);
    process.stdout.write(`${flags.config ?? 'the environment'}: the configuration is good\n`);
    return 0;
  }
  return serve(config, file);
}
