export type { ProcFiles } from './proc-files.ts';
export { type SystemReading, SystemStats, type SystemStatsOptions } from './system-stats.ts';
