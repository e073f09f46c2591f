import type { Command } from 'commander';

import {
  type Config,
  type ConfigChange,
  ConfigError,
  describeChange,
  loadConfig,
  planReload,
  reloadProblem,
} from '../config/index.ts';

/** `sluice diff old.conf new.conf`: what a reload from one file to the other would do. Nothing is changed. */
export function registerDiffCommand(program: Command): void {
  program
    .command('diff')
    .description('print what a reload from one configuration to another does')
    .argument('<old>', 'the file that the server runs with')
    .argument('<new>', 'the file that it would go on with')
    .option('--json', 'print the changes as JSON')
    .action((old: string, young: string, { json }: { readonly json?: true }) => {
      const [before, after] = [load(old), load(young)];
      process.exitCode =
        before === undefined || after === undefined ? 1 : print(before, after, json === true);
    });
}

function load(file: string): Config | undefined {
  try {
    return loadConfig({ file, env: process.env, environmentOnly: false });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    return undefined;
  }
}

/** @returns the exit code: 1 for a reload that would be refused */
function print(before: Config, after: Config, json: boolean): number {
  const changes = planReload(before, after);
  const problem = reloadProblem(changes);
  if (json) {
    const answer = { possible: problem === undefined, problem, changes: changes.map(plain) };
    process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
  } else {
    const lines = changes.flatMap(describeChange);
    for (const line of lines) process.stdout.write(`${line}\n`);
    if (lines.length === 0) process.stdout.write('nothing would change\n');
    if (problem !== undefined) process.stderr.write(`sluice: this reload is refused: ${problem}\n`);
  }
  return problem === undefined ? 0 : 1;
}

function plain(change: ConfigChange): object {
  switch (change.kind) {
    case 'root':
      return change;
    case 'vhost-added':
    case 'vhost-removed':
      return { kind: change.kind, vhost: change.vhost.name };
    case 'vhost-changed': {
      const { kind, after, parts, differences } = change;
      return { kind, vhost: after.name, parts, differences };
    }
  }
}
