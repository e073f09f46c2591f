import type { Command } from 'commander';

import type { ApiChangeResult, ApiSettings, SluiceApi } from '../api-client/index.ts';
import {
  addRemoteOptions,
  countNumber,
  processTerminal,
  type RemoteExit,
  type RemoteFlags,
  type RemoteTerminal,
  RemoteUsageError,
  runWithApi,
  shown,
} from './remote.ts';
import { changeResultText, changesTable, printable } from './remote-tables.ts';

/** The words behind `set` and `rollback`. */
export interface ChangeFlags extends RemoteFlags {
  readonly dryRun?: true | undefined;
  readonly after?: true | undefined;
  readonly all?: true | undefined;
}

const SET_HELP = `
  sluice set live.example.com hls.hls_fragment=5 play.gop_cache=off
  sluice set max_connections=5000                 a setting of the root: no vhost
  sluice set live.example.com hls.hls_fragment=   its default, whatever the file says
  sluice set live.example.com security.allow='play all' security.allow='publish 10.0.0.0/8'
The changes last, in FILE.overlay.json beside the configuration. They need raw_api.allow_update.`;

/** Adds the commands that change the configuration of a running server. */
export function registerChangeCommands(program: Command): void {
  const set = addRemoteOptions(
    program.command('set').description('change settings of a running server, for good'),
  )
    .argument('[vhost]', 'the id or name of a vhost; none: the root')
    .argument('[settings...]', 'DIRECTIVE=VALUE …')
    .option('--dry-run', 'change nothing, and print what would be otherwise')
    .addHelpText('after', SET_HELP);
  set.action(async (vhost: string | undefined, settings: readonly string[]) => {
    const words = vhost === undefined ? settings : [vhost, ...settings];
    process.exitCode = await runSet(words, flagsOf(program, set), processTerminal());
  });
  const changes = addRemoteOptions(
    program.command('changes').description('list what was changed so, the newest first'),
  )
    .option('--start <n>', 'skip so many', countNumber, 0)
    .option('--count <n>', 'show so many', countNumber);
  changes.action(async () => {
    process.exitCode = await runChanges(flagsOf(program, changes), processTerminal());
  });
  const rollback = addRemoteOptions(
    program.command('rollback').description('take a change back, as if it had never been made'),
  )
    .argument('[id]', 'the id of a change, as `sluice changes` shows it')
    .option('--after', 'take back what was changed after it, and not itself')
    .option('--all', 'take back every change')
    .option('--dry-run', 'change nothing, and print what would be otherwise');
  rollback.action(async (id: string | undefined) => {
    process.exitCode = await runRollback(id, flagsOf(program, rollback), processTerminal());
  });
}

function flagsOf(program: Command, command: Command): ChangeFlags {
  const { config } = program.opts<{ config?: string }>();
  return { ...command.opts<ChangeFlags>(), config };
}

/** `sluice set [VHOST] DIRECTIVE=VALUE …`; answers the exit code. */
export function runSet(
  words: readonly string[],
  flags: ChangeFlags,
  terminal: RemoteTerminal,
): Promise<RemoteExit> {
  return runWithApi('set', flags, terminal, async (api) => {
    const [first = '', ...rest] = words;
    const isRoot = first.includes('=');
    const settings = settingsOf(isRoot ? words : rest);
    const options = { dryRun: flags.dryRun === true };
    const result = isRoot
      ? await api.changeConfig(settings, options)
      : await api.changeVhost(first, settings, options);
    return shown(result, changeResultText, flags.json);
  });
}

/** A directive that is given several times has several values. */
function settingsOf(words: readonly string[]): ApiSettings {
  const settings: Record<string, string | string[] | null> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    const name = word.slice(0, at);
    if (at < 1) throw new RemoteUsageError(`${printable(word)} is not of the form DIRECTIVE=VALUE`);
    const value = word.slice(at + 1);
    const before = settings[name];
    if (before === undefined) settings[name] = value === '' ? null : value;
    else settings[name] = [...(Array.isArray(before) ? before : [before ?? '']), value];
  }
  if (Object.keys(settings).length === 0) {
    throw new RemoteUsageError('no setting is named: sluice set [VHOST] DIRECTIVE=VALUE …');
  }
  return settings;
}

/** `sluice changes`; answers the exit code. */
export function runChanges(flags: RemoteFlags, terminal: RemoteTerminal): Promise<RemoteExit> {
  return runWithApi('changes', flags, terminal, async (api) =>
    shown(await api.changes({ start: flags.start, count: flags.count }), changesTable, flags.json),
  );
}

/** `sluice rollback ID|--all`; answers the exit code. */
export function runRollback(
  id: string | undefined,
  flags: ChangeFlags,
  terminal: RemoteTerminal,
): Promise<RemoteExit> {
  return runWithApi('rollback', flags, terminal, async (api) =>
    shown(await rollBack(api, id, flags), changeResultText, flags.json),
  );
}

function rollBack(
  api: SluiceApi,
  id: string | undefined,
  { after, all, dryRun }: ChangeFlags,
): Promise<ApiChangeResult> {
  const options = { dryRun: dryRun === true };
  if (all === true && id === undefined && after === undefined) return api.rollbackAfter(undefined, options);
  if (id === undefined || all === true) {
    throw new RemoteUsageError('say which: sluice rollback ID, sluice rollback --after ID, or --all');
  }
  return after === true ? api.rollbackAfter(id, options) : api.rollback(id, options);
}
