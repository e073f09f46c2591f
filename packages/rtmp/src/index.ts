/** The RTMP protocol without sockets: handshake, chunk streams, messages, and both sides' sessions. */
export * from './errors.ts';
export * from './handshake/index.ts';
export * from './chunk/index.ts';
export * from './message/index.ts';
export * from './session/index.ts';
export { parseRtmpUrl } from './client/index.ts';
export type { RtmpUrl } from './client/index.ts';
