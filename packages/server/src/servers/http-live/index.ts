export type { HttpLiveContext } from './context.ts';
export { HttpLiveDoor } from './door.ts';
