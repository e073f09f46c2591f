export type { Disk, DiskEntry, DiskFile } from './disk.ts';
export { DiskError, diskError, type DiskErrorCode } from './errors.ts';
export { Fault, type FaultLog, type FaultState } from './fault.ts';
export { nodeDisk, TEMPORARY_SUFFIX } from './node-disk.ts';
export { expandPath, fileName, namesProblem, type PathVariables } from './path-template.ts';
