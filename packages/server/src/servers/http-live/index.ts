export type { HttpLiveContext } from './context.ts';
export { HttpLiveHandler } from './handler.ts';
