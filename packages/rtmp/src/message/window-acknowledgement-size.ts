import { decodeBody, encodeUint32 } from './decoding.ts';

/** How much the sender sends between two acknowledgements (Adobe RTMP 1.0, 5.4.4). */
export interface WindowAcknowledgementSize {
  /** Bytes. */
  readonly windowSize: number;
}

/**
 * Reads the body of Window Acknowledgement Size.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeWindowAcknowledgementSize(payload: Uint8Array): WindowAcknowledgementSize {
  return decodeBody('Window Acknowledgement Size', payload, (reader) => ({ windowSize: reader.u32() }));
}

/** Builds the body of Window Acknowledgement Size. */
export function encodeWindowAcknowledgementSize(message: WindowAcknowledgementSize): Uint8Array {
  return encodeUint32(message.windowSize);
}
