import { readAmf0, readAmf3, writeAmf0, writeAmf3 } from '@sluice/media/amf';
import type { AmfLimits, AmfValue } from '@sluice/media/amf';
import { ByteReader, ByteWriter, encodeUtf8 } from '@sluice/media/bytes';
import { RtmpError } from '../errors.ts';
import { decodeBody } from './decoding.ts';
import { messageType } from './types.ts';

/** Event types of a shared object (Adobe RTMP 1.0, 7.1.3). */
export const sharedObjectEventType = {
  use: 1,
  release: 2,
  requestChange: 3,
  change: 4,
  success: 5,
  sendMessage: 6,
  status: 7,
  clear: 8,
  remove: 9,
  requestRemove: 10,
  useSuccess: 11,
} as const;

/** A slot of the object and its value. */
export interface SharedObjectSlot {
  readonly name: string;
  readonly value: AmfValue;
}

/** One event of a shared object. */
export type SharedObjectEvent =
  | {
      readonly event:
        | typeof sharedObjectEventType.use
        | typeof sharedObjectEventType.release
        | typeof sharedObjectEventType.clear
        | typeof sharedObjectEventType.useSuccess;
    }
  | {
      readonly event: typeof sharedObjectEventType.requestChange | typeof sharedObjectEventType.change;
      readonly slots: readonly SharedObjectSlot[];
    }
  | {
      readonly event:
        | typeof sharedObjectEventType.success
        | typeof sharedObjectEventType.remove
        | typeof sharedObjectEventType.requestRemove;
      readonly names: readonly string[];
    }
  | { readonly event: typeof sharedObjectEventType.sendMessage; readonly values: readonly AmfValue[] }
  | { readonly event: typeof sharedObjectEventType.status; readonly code: string; readonly level: string }
  | {
      readonly event: 'other';
      /** 0..255. */
      readonly eventType: number;
      /** View of the payload. */
      readonly data: Uint8Array;
    };

/** The body of a shared object message. */
export interface SharedObjectMessage {
  readonly name: string;
  /** Version of the object. */
  readonly version: number;
  /** Whether the object outlives its users. */
  readonly persistent: boolean;
  readonly events: readonly SharedObjectEvent[];
}

/** Types that carry shared objects. */
export type SharedObjectMessageType =
  typeof messageType.sharedObjectAmf0 | typeof messageType.sharedObjectAmf3;

/** Bit of the flags that makes an object persistent. */
const persistentFlag = 2;

/**
 * Reads the body of a shared object message. An AMF3 one has a leading zero byte, and AMF3 values.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeSharedObject(
  type: SharedObjectMessageType,
  payload: Uint8Array,
  limits?: Partial<AmfLimits>,
): SharedObjectMessage {
  return decodeBody('shared object', payload, (reader) => {
    if (type === messageType.sharedObjectAmf3) {
      reader.skip(1);
    }
    const name = reader.utf8(reader.u16());
    const version = reader.u32();
    const persistent = (reader.u32() & persistentFlag) !== 0;
    reader.skip(4);
    const events: SharedObjectEvent[] = [];
    while (reader.remaining > 0) {
      const event = reader.u8();
      events.push(decodeEvent(type, event, reader.bytes(reader.u32()), limits));
    }
    return { name, version, persistent, events };
  });
}

/** Builds the body of a shared object message. */
export function encodeSharedObject(type: SharedObjectMessageType, message: SharedObjectMessage): Uint8Array {
  const writer = new ByteWriter();
  if (type === messageType.sharedObjectAmf3) {
    writer.u8(0);
  }
  writeName(writer, message.name);
  writer
    .u32(message.version)
    .u32(message.persistent ? persistentFlag : 0)
    .u32(0);
  for (const event of message.events) {
    const body = encodeEvent(type, event);
    writer
      .u8(event.event === 'other' ? event.eventType : event.event)
      .u32(body.length)
      .bytes(body);
  }
  return writer.finish();
}

function decodeEvent(
  type: SharedObjectMessageType,
  event: number,
  data: Uint8Array,
  limits: Partial<AmfLimits> | undefined,
): SharedObjectEvent {
  const reader = new ByteReader(data);
  switch (event) {
    case sharedObjectEventType.use:
    case sharedObjectEventType.release:
    case sharedObjectEventType.clear:
    case sharedObjectEventType.useSuccess:
      return { event };
    case sharedObjectEventType.requestChange:
    case sharedObjectEventType.change: {
      const slots: SharedObjectSlot[] = [];
      while (reader.remaining > 0) {
        slots.push({ name: reader.utf8(reader.u16()), value: readValue(type, reader, limits) });
      }
      return { event, slots };
    }
    case sharedObjectEventType.success:
    case sharedObjectEventType.remove:
    case sharedObjectEventType.requestRemove: {
      const names: string[] = [];
      while (reader.remaining > 0) {
        names.push(reader.utf8(reader.u16()));
      }
      return { event, names };
    }
    case sharedObjectEventType.sendMessage: {
      const values: AmfValue[] = [];
      while (reader.remaining > 0) {
        values.push(readValue(type, reader, limits));
      }
      return { event, values };
    }
    case sharedObjectEventType.status:
      return { event, code: reader.utf8(reader.u16()), level: reader.utf8(reader.u16()) };
    default:
      return { event: 'other', eventType: event, data };
  }
}

function encodeEvent(type: SharedObjectMessageType, event: SharedObjectEvent): Uint8Array {
  const writer = new ByteWriter();
  switch (event.event) {
    case sharedObjectEventType.requestChange:
    case sharedObjectEventType.change:
      for (const slot of event.slots) {
        writeName(writer, slot.name);
        writeValue(type, writer, slot.value);
      }
      break;
    case sharedObjectEventType.success:
    case sharedObjectEventType.remove:
    case sharedObjectEventType.requestRemove:
      for (const name of event.names) {
        writeName(writer, name);
      }
      break;
    case sharedObjectEventType.sendMessage:
      for (const value of event.values) {
        writeValue(type, writer, value);
      }
      break;
    case sharedObjectEventType.status:
      writeName(writer, event.code);
      writeName(writer, event.level);
      break;
    case 'other':
      writer.bytes(event.data);
      break;
    default:
      break;
  }
  return writer.finish();
}

function readValue(
  type: SharedObjectMessageType,
  reader: ByteReader,
  limits: Partial<AmfLimits> | undefined,
): AmfValue {
  return type === messageType.sharedObjectAmf3 ? readAmf3(reader, limits) : readAmf0(reader, limits);
}

function writeValue(type: SharedObjectMessageType, writer: ByteWriter, value: AmfValue): void {
  if (type === messageType.sharedObjectAmf3) {
    writeAmf3(writer, value);
  } else {
    writeAmf0(writer, value);
  }
}

function writeName(writer: ByteWriter, name: string): void {
  const bytes = encodeUtf8(name);
  if (bytes.length > 0xffff) {
    throw new RtmpError('bad-message', `name of ${bytes.length} bytes, at most 65535 can be written`);
  }
  writer.u16(bytes.length).bytes(bytes);
}
