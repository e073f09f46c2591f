export { HdsSinks, type HdsSinksOptions, type HdsStream } from './hds-sinks.ts';
export { DEFAULT_HDS_LIMITS, type HdsLimits } from './limits.ts';
