import { decodeBody, encodeUint32 } from './decoding.ts';

/** How much has been received (Adobe RTMP 1.0, 5.4.3). */
export interface Acknowledgement {
  /** Bytes received so far, modulo 2^32. */
  readonly sequenceNumber: number;
}

/**
 * Reads the body of Acknowledgement.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeAcknowledgement(payload: Uint8Array): Acknowledgement {
  return decodeBody('Acknowledgement', payload, (reader) => ({ sequenceNumber: reader.u32() }));
}

/** Builds the body of Acknowledgement. */
export function encodeAcknowledgement(message: Acknowledgement): Uint8Array {
  return encodeUint32(message.sequenceNumber);
}
