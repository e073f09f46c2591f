/** RTMP over sockets, for Node: a client that plays and publishes, and cheap reads for servers. */
export { adoptSocket } from './adopt-socket.ts';
export { play, publish } from './client.ts';
export { connectRtmp, RtmpClientConnection } from './connection.ts';
export type { RtmpClientOptions, RtmpPlayOptions } from './connection.ts';
export type { RtmpClientConnectionHandle } from './connection-handle.ts';
export { RtmpClientPlayer } from './player.ts';
export { RtmpClientPublisher } from './publisher.ts';
export { createRtmpServer, RtmpServer } from './server.ts';
export type { RtmpServerOptions } from './server.ts';
export type { RtmpServerClient } from './server-client.ts';
export { RtmpServerConnection } from './server-connection.ts';
export type { RtmpServerHandlers } from './server-connection.ts';
export { RtmpRefusal } from './server-options.ts';
export type {
  RtmpCloseInfo,
  RtmpCloseReason,
  RtmpListenOptions,
  RtmpRefusalOptions,
  RtmpServerConfiguration,
} from './server-options.ts';
export { RtmpServerPlayer } from './server-player.ts';
export { RtmpServerPublisher } from './server-publisher.ts';
