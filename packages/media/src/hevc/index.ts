export * from './decoder-configuration.ts';
export { HEVC_LIMITS } from './limits.ts';
export * from './nal-type.ts';
export { type HevcPps, type HevcVps, parseHevcPps, parseHevcVps } from './parameter-sets.ts';
export { hevcCodecString, type HevcProfileTierLevel } from './profile-tier-level.ts';
export { type HevcSps, parseHevcSps } from './sps.ts';
export type { HevcVui } from './vui.ts';
