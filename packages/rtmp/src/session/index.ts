export { defaultRtmpLimits } from './limits.ts';
export type { RtmpLimits } from './limits.ts';
export { parseTcUrl, resolveStreamUrl, streamBehindQuery } from './tc-url.ts';
export type { StreamUrl, TcUrl } from './tc-url.ts';
export type {
  AcceptConnectOptions,
  AcceptPlayOptions,
  CloseRefusal,
  RejectConnectOptions,
  RejectStreamOptions,
  ServerSessionOptions,
} from './options.ts';
export type {
  ConnectRequest,
  PlayRequest,
  PublishFlavour,
  PublishRequest,
  ServerSessionHandler,
  ServerSessionPhase,
  StopCause,
  UnpublishCause,
} from './events.ts';
export { mediaMessageType } from './media-kind.ts';
export type { MediaKind } from './media-kind.ts';
export { MediaMessage, withoutSetDataFrame } from './media-message.ts';
export { mediaStreamId, serverChunkStream } from './replies.ts';
export { ServerSession } from './server-session.ts';
export { ClientSession } from './client-session.ts';
export type {
  ClientSessionHandler,
  ClientSessionOptions,
  ConnectOptions,
  PlayOptions,
} from './client-session.ts';
export type { ServerProperties } from './status.ts';
