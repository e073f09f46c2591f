import { AsyncLocalStorage } from 'node:async_hooks';

/** A program that a test has started, as far as a report of its failure needs it. */
export interface OwnedProgram {
  readonly state: string;
  describe(happened: string, lines?: number): string;
}

/** Most programs that one report tells of: the newest. */
const MAX_TOLD = 12;
/** Lines of the output of each. */
const LINES_TOLD = 30;

/** The programs of the test that runs here; concurrent tests have one each. */
const ofTest = new AsyncLocalStorage<OwnedProgram[]>();
/** Programs that no test has started but a hook of its file. */
const ofFile: OwnedProgram[] = [];

/** Runs a test so that what it starts is known to be its own. */
export async function owning(programs: OwnedProgram[], run: () => Promise<void>): Promise<void> {
  await ofTest.run(programs, run);
}

/** Notes whose program this is. */
export function belongsToTest(program: OwnedProgram): void {
  (ofTest.getStore() ?? ofFile).push(program);
}

/** What the programs of a failed test, and those that its file shares, said at last. */
export function tellOf(programs: readonly OwnedProgram[]): string {
  const told = [...ofFile, ...programs].slice(-MAX_TOLD);
  return told.map((program) => `$ ${program.describe(program.state, LINES_TOLD)}`).join('\n\n');
}
