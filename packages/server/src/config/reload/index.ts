/** The old configuration against the new one: what a reload does. */
export { describeChange } from './describe.ts';
export type { ChangeEffect, Difference } from './differences.ts';
export { keepUnchanged } from './keep-unchanged.ts';
export { type ConfigChange, planReload, reloadProblem } from './plan.ts';
