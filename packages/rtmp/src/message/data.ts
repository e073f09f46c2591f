import { decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import type { AmfLimits, AmfValue } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { stripAmf3Lead } from './command.ts';
import { decodeBody } from './decoding.ts';
import { messageType } from './types.ts';

/** Metadata and other values that travel with the media (Adobe RTMP 1.0, 7.1.2), such as `onMetaData`. */
export interface DataMessage {
  /** Usually a name and its values. */
  readonly values: readonly AmfValue[];
}

/** Types that carry data. */
export type DataMessageType = typeof messageType.dataAmf0 | typeof messageType.dataAmf3;

/** A view of the AMF0 values of a data message of either type: without an AMF3 message's leading zero. */
export function dataValuesBytes(type: DataMessageType, payload: Uint8Array): Uint8Array {
  return type === messageType.dataAmf3 ? stripAmf3Lead(payload) : payload;
}

/**
 * Reads the body of a data message.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeData(
  type: DataMessageType,
  payload: Uint8Array,
  limits?: Partial<AmfLimits>,
): DataMessage {
  return decodeBody('data', payload, () => ({ values: decodeAmf0(dataValuesBytes(type, payload), limits) }));
}

/** Builds the body of a data message. */
export function encodeData(type: DataMessageType, message: DataMessage): Uint8Array {
  const body = encodeAmf0(...message.values);
  return type === messageType.dataAmf3 ? concatBytes([Uint8Array.of(0), body]) : body;
}
