/**
 * Why a recording can't be sent as HLS.
 *
 * - `busy`: too many requests wait already.
 * - `too-large`: a segment goes over its limit.
 * - `no-codec`: MPEG-TS carries none of its codecs.
 */
export type VodHlsErrorCode = 'busy' | 'too-large' | 'no-codec';

/** A recording can't be sent as HLS; the message is for the client too. */
export class VodHlsError extends Error {
  readonly code: VodHlsErrorCode;

  constructor(code: VodHlsErrorCode, message: string) {
    super(message);
    this.name = 'VodHlsError';
    this.code = code;
  }
}
