export * from './decoder-configuration.ts';
export { AVC_LIMITS } from './limits.ts';
export * from './nal-type.ts';
export * from './nal-units.ts';
export { readLimitedUe, readUe } from './checks.ts';
export { type AvcPps, parseAvcPps } from './pps.ts';
export { type AvcSps, parseAvcSps } from './sps.ts';
export {
  type AvcVui,
  type ColourDescription,
  readSampleAspectRatio,
  readVideoSignalType,
  type SampleAspectRatio,
} from './vui.ts';
