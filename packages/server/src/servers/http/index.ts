export type { ConnectionAdmission, HttpCloseReason, HttpConnectionEnd } from './connections.ts';
export { HttpServerError } from './errors.ts';
export type { HttpServerErrorCode } from './errors.ts';
export type { FileAnswer, FileDoor, FileRequest, OpenedFile } from './file-door.ts';
export type { FileGuard, GuardedFile } from './file-guard.ts';
export type { HttpLimits } from './limits.ts';
export type {
  HttpViewer,
  LiveDoor,
  LiveMount,
  LiveRequest,
  LiveViewer,
  WebSocketViewer,
} from './live-door.ts';
export type { TrustedPeers } from './peers.ts';
export type { PlayerPageFacts } from './player-page.ts';
export { createHttpServer } from './server.ts';
export type { HttpServer, HttpServerOptions, TlsLayer } from './server.ts';
export type { StaticMount } from './static-mounts.ts';
export type { VirtualAnswer, VirtualFile, VirtualFiles, VirtualRequest } from './virtual-files.ts';
