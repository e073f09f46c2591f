export type { RtmpContext } from './context.ts';
export { RtmpServer } from './server.ts';
