export { HdsSinks, type HdsSinksOptions, type HdsStream } from './hds-sinks.ts';
export { HDS_TEMPLATES } from './paths.ts';
export type { HdsLimits } from './limits.ts';
