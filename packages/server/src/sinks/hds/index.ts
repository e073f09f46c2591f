export { HdsSinks, type HdsSinksOptions, type HdsStream } from './hds-sinks.ts';
export type { HdsLimits } from './limits.ts';
