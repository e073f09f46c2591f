export type { Disk, DiskEntry, DiskFile } from './disk.ts';
export { DiskError, type DiskErrorCode } from './errors.ts';
export { Fault, type FaultLog, type FaultState } from './fault.ts';
export { nodeDisk, TEMPORARY_SUFFIX } from './node-disk.ts';
export { expandPath, namesProblem, type PathVariables } from './path-template.ts';
