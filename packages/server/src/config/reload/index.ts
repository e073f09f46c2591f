/** The old configuration against the new one: what a reload does. */
export { type ChangeLine, changeLines, describeChange } from './describe.ts';
export { type ChangeEffect, type Difference, isSecret } from './differences.ts';
export { keepUnchanged } from './keep-unchanged.ts';
export { type ConfigChange, planReload, reloadProblem } from './plan.ts';
