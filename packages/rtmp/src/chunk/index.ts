export { defaultChunkLimits } from './limits.ts';
export type { ChunkLimits } from './limits.ts';
