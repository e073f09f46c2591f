import { parseArgs } from 'node:util';
import { RunError } from './errors.ts';

/** What the person at the terminal asked for. */
export interface Arguments {
  /** Names of the cases to run; empty for all. */
  readonly cases: readonly string[];
  /** Small counts and short windows: does everything work? */
  readonly quick: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** What `--help` prints. */
export const USAGE = `npm run bench -- [options]

  --case NAME   run this case only; may be given several times
  --quick       small counts, only to see that everything works; writes no page
  --list        print the names of the cases
  --help        print this
`;

/**
 * Reads the command line.
 * @param known the names of all cases
 * @throws RunError `bad-argument`
 */
export function parseArguments(args: readonly string[], known: readonly string[]): Arguments {
  const { values } = parse(args);
  const cases = values.case ?? [];
  for (const name of cases) {
    if (!known.includes(name)) {
      throw new RunError(
        'bad-argument',
        `there is no case ${JSON.stringify(name)}; there are: ${known.join(', ')}`,
      );
    }
  }
  return { cases, quick: values.quick === true, list: values.list === true, help: values.help === true };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        case: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new RunError('bad-argument', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
