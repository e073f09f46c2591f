export type { ActivePublish } from './active-publish.ts';
export { allowAll, type Authorizer } from './authorizer.ts';
export type { Client } from './client.ts';
export { ClientRegistry } from './client-registry.ts';
export type { ClientsContext } from './context.ts';
export type { ClientOptions, PlayOptions } from './options.ts';
export { refusalByPage } from './rules.ts';
export type {
  ClientEnd,
  ClientFailure,
  ClientTarget,
  ClientTransport,
  PeerDetails,
  StreamTarget,
} from './transport.ts';
