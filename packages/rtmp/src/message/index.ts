export { decodeAbort, encodeAbort } from './abort.ts';
export type { Abort } from './abort.ts';
export { decodeAcknowledgement, encodeAcknowledgement } from './acknowledgement.ts';
export type { Acknowledgement } from './acknowledgement.ts';
export { decodeAggregate, encodeAggregate, MAX_AGGREGATE_PARTS } from './aggregate.ts';
export type { AggregatePart } from './aggregate.ts';
export { decodeCommand, encodeCommand } from './command.ts';
export type { Command, CommandMessageType } from './command.ts';
export { dataValuesBytes, decodeData, encodeData } from './data.ts';
export type { DataMessage, DataMessageType } from './data.ts';
export { decodeSetChunkSize, encodeSetChunkSize } from './set-chunk-size.ts';
export type { SetChunkSize } from './set-chunk-size.ts';
export { decodeSetPeerBandwidth, encodeSetPeerBandwidth, peerBandwidthLimit } from './set-peer-bandwidth.ts';
export type { SetPeerBandwidth } from './set-peer-bandwidth.ts';
export { decodeSharedObject, encodeSharedObject, sharedObjectEventType } from './shared-object.ts';
export type {
  SharedObjectEvent,
  SharedObjectMessage,
  SharedObjectMessageType,
  SharedObjectSlot,
} from './shared-object.ts';
export { messageType } from './types.ts';
export type { MessageType, RtmpMessage } from './types.ts';
export { decodeUserControl, encodeUserControl, userControlType } from './user-control.ts';
export type {
  OtherUserControlEvent,
  PingEvent,
  SetBufferLengthEvent,
  StreamEvent,
  UserControl,
} from './user-control.ts';
export {
  decodeWindowAcknowledgementSize,
  encodeWindowAcknowledgementSize,
} from './window-acknowledgement-size.ts';
export type { WindowAcknowledgementSize } from './window-acknowledgement-size.ts';
