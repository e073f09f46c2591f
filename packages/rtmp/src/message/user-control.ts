import { ByteWriter } from '@sluice/media/bytes';
import { decodeBody } from './decoding.ts';

/** Event types of User Control (Adobe RTMP 1.0, 7.1.7; 31 and 32 are Flash Media Server's own). */
export const userControlType = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
  bufferEmpty: 31,
  bufferReady: 32,
} as const;

/** An event about one message stream. */
export interface StreamEvent {
  readonly event:
    | typeof userControlType.streamBegin
    | typeof userControlType.streamEof
    | typeof userControlType.streamDry
    | typeof userControlType.streamIsRecorded
    | typeof userControlType.bufferEmpty
    | typeof userControlType.bufferReady;
  readonly streamId: number;
}

/** The player says how much it buffers. */
export interface SetBufferLengthEvent {
  readonly event: typeof userControlType.setBufferLength;
  readonly streamId: number;
  /** ms. */
  readonly bufferLength: number;
}

/** A sign of life, and its echo. */
export interface PingEvent {
  readonly event: typeof userControlType.pingRequest | typeof userControlType.pingResponse;
  /** The sender's clock in ms, modulo 2^32. */
  readonly timestamp: number;
}

/** An event of a type that isn't named here. */
export interface OtherUserControlEvent {
  readonly event: 'other';
  /** 0..65535. */
  readonly eventType: number;
  /** View of the payload. */
  readonly data: Uint8Array;
}

/** The body of a User Control message. */
export type UserControl = StreamEvent | SetBufferLengthEvent | PingEvent | OtherUserControlEvent;

/**
 * Reads the body of User Control.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeUserControl(payload: Uint8Array): UserControl {
  return decodeBody('User Control', payload, (reader): UserControl => {
    const event = reader.u16();
    switch (event) {
      case userControlType.streamBegin:
      case userControlType.streamEof:
      case userControlType.streamDry:
      case userControlType.streamIsRecorded:
      case userControlType.bufferEmpty:
      case userControlType.bufferReady:
        return { event, streamId: reader.u32() };
      case userControlType.setBufferLength:
        return { event, streamId: reader.u32(), bufferLength: reader.u32() };
      case userControlType.pingRequest:
      case userControlType.pingResponse:
        return { event, timestamp: reader.u32() };
      default:
        return { event: 'other', eventType: event, data: reader.bytes(reader.remaining) };
    }
  });
}

/** Builds the body of User Control. */
export function encodeUserControl(message: UserControl): Uint8Array {
  const writer = new ByteWriter(10);
  if (message.event === 'other') {
    return writer.u16(message.eventType).bytes(message.data).finish();
  }
  writer.u16(message.event);
  if ('timestamp' in message) {
    return writer.u32(message.timestamp).finish();
  }
  writer.u32(message.streamId);
  if (message.event === userControlType.setBufferLength) {
    writer.u32(message.bufferLength);
  }
  return writer.finish();
}
