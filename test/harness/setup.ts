import { afterAll, aroundEach } from 'vitest';
import { owning, tellOf } from './ownership.ts';
import type { OwnedProgram } from './ownership.ts';
import { killLeftovers } from './process.ts';
import { removeLeftFolders } from './sluice.ts';

// A failure is told with what the programs of the test said: the server's log, ffmpeg's complaints.
aroundEach(async (runTest, { task }) => {
  const programs: OwnedProgram[] = [];
  await owning(programs, runTest);
  const error = task.result?.state === 'fail' ? task.result.errors?.[0] : undefined;
  const told = tellOf(programs);
  if (error !== undefined && told !== '') error.message += `\n\nThe programs of this test:\n${told}\n`;
});

// A test that ran out of time had no chance to stop what it started.
afterAll(async () => {
  await killLeftovers();
  await removeLeftFolders();
});
