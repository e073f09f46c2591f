import { expect, it } from 'vitest';

import { loadProblem } from './load-problem.ts';

it('names the remedy where no descriptor is left to load the program with', () => {
  const error = (code: string) => Object.assign(new Error(code), { code });
  expect(loadProblem(error('EMFILE'))).toMatch(/of this process is too low: .*ulimit -n/);
  expect(loadProblem(error('ENFILE'))).toMatch(/of the whole system/);
  expect(loadProblem(error('ERR_MODULE_NOT_FOUND'))).toBeUndefined();
  expect(loadProblem(new Error('x'))).toBeUndefined();
  expect(loadProblem('x')).toBeUndefined();
});
