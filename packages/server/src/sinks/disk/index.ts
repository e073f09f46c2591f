export type { Disk, DiskEntry, DiskFile, SegmentDisk, WholeFile, Written } from './disk.ts';
export { DiskError, diskError, type DiskErrorCode } from './errors.ts';
export { Fault, type FaultLog, type FaultState, UnusableMediaError } from './fault.ts';
export { filesUnder, removeUnchanged, type TreeFile } from './file-tree.ts';
export { nodeDisk } from './node-disk.ts';
export { PathPattern, type PathReading, type PathReadings } from './path-pattern.ts';
export { expandPath, namesProblem, PATH_VARIABLE, type PathVariables } from './path-template.ts';
export { TEMPORARY_SUFFIX } from './temporary.ts';
export { ThreadDisk, type ThreadDiskOptions } from './thread-disk.ts';
