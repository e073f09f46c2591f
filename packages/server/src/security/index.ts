export type { ClientAction, ClientRequest, Refusal, Verdict } from './client.ts';
export { referAllows } from './refer.ts';
