export { ClientHandshake } from './client.ts';
export type { ClientHandshakeOptions } from './client.ts';
export { handshakePartBytes } from './digest.ts';
export type { HandshakeSchema } from './digest.ts';
export { ServerHandshake } from './server.ts';
export type { HandshakeProgress } from './server.ts';
