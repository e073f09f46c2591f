export type { RtmpContext } from './context.ts';
export { RtmpServer, type TlsLayer } from './server.ts';
