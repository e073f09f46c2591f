/**
 * Time stamps inside H.264 frames: an SEI NAL unit (user_data_unregistered, H.264 D.1.7) with a marker as its
 * UUID and 16 hexadecimal digits as its data, which need no emulation prevention. A server passes it on
 * untouched, a decoder skips it, and a reader finds the marker in whatever the bytes are wrapped in.
 */

/** The UUID of the SEI message. ASCII, so that it holds no start code. */
const MARKER = Buffer.from('SluiceBenchStamp', 'latin1');
const STAMP_DIGITS = 16;
const FLV_AVC_HEADER_BYTES = 5;
const NAL_LENGTH_BYTES = 4;
/** nal_unit_type 6, payloadType 5, payloadSize. */
const SEI_HEADER = [0x06, 0x05, MARKER.length + STAMP_DIGITS] as const;
const RBSP_TRAILING = 0x80;
const NAL_BYTES = SEI_HEADER.length + MARKER.length + STAMP_DIGITS + 1;
const MARKED_BYTES = MARKER.length + STAMP_DIGITS;
const H264_NALUS = 1;
const H264_CODEC_ID = 7;

/** Where the digits begin in a body that {@link withStampSpace} made. */
export const STAMP_OFFSET_IN_BODY =
  FLV_AVC_HEADER_BYTES + NAL_LENGTH_BYTES + SEI_HEADER.length + MARKER.length;

/**
 * The body with an empty stamp as its first NAL unit, or undefined if it is no H.264 frame.
 * @returns fresh bytes
 */
export function withStampSpace(body: Uint8Array): Uint8Array | undefined {
  if (((body[0] ?? 0) & 0x8f) !== H264_CODEC_ID || body[1] !== H264_NALUS) return undefined;
  const result = Buffer.alloc(body.length + NAL_LENGTH_BYTES + NAL_BYTES, '0', 'latin1');
  result.set(body.subarray(0, FLV_AVC_HEADER_BYTES));
  result.writeUInt32BE(NAL_BYTES, FLV_AVC_HEADER_BYTES);
  result.set(SEI_HEADER, FLV_AVC_HEADER_BYTES + NAL_LENGTH_BYTES);
  result.set(MARKER, STAMP_OFFSET_IN_BODY - MARKER.length);
  result[STAMP_OFFSET_IN_BODY + STAMP_DIGITS] = RBSP_TRAILING;
  result.set(body.subarray(FLV_AVC_HEADER_BYTES), STAMP_OFFSET_IN_BODY + STAMP_DIGITS + 1);
  return result;
}

/**
 * A copy of a message with the time written into its stamp.
 * @param microseconds 0 to 2^53
 */
export function stampedCopy(message: Uint8Array, stampOffset: number, microseconds: number): Uint8Array {
  const copy = Buffer.from(message);
  copy.write(Math.round(microseconds).toString(16).padStart(STAMP_DIGITS, '0'), stampOffset, 'latin1');
  return copy;
}

/** Finds stamps in the bytes of one connection, wherever its reads are cut. */
export class StampFinder {
  readonly #carry = Buffer.alloc(2 * MARKED_BYTES);
  #carried = 0;
  readonly #onStamp: (microseconds: number) => void;

  /** @param onStamp called with the time of each stamp, in order */
  constructor(onStamp: (microseconds: number) => void) {
    this.#onStamp = onStamp;
  }

  /** Looks through the next bytes; they are valid during the call only. */
  write(bytes: Buffer): void {
    let from = 0;
    if (this.#carried > 0) {
      const taken = bytes.copy(this.#carry, this.#carried, 0, Math.min(MARKED_BYTES, bytes.length));
      const joined = this.#carry.subarray(0, this.#carried + taken);
      const at = joined.indexOf(MARKER);
      if (at >= 0 && at < this.#carried) {
        if (joined.length < at + MARKED_BYTES) {
          this.#keep(joined.subarray(at));
          return;
        }
        this.#tell(joined, at);
        from = Math.max(0, at + MARKED_BYTES - this.#carried);
      } else if (at < 0 && bytes.length < MARKED_BYTES) {
        this.#keep(joined.subarray(Math.max(0, joined.length - MARKED_BYTES + 1)));
        return;
      }
      this.#carried = 0;
    }
    for (;;) {
      const at = bytes.indexOf(MARKER, from);
      if (at < 0 || at + MARKED_BYTES > bytes.length) {
        const keepFrom = at >= 0 ? at : Math.max(from, bytes.length - MARKED_BYTES + 1);
        this.#keep(bytes.subarray(keepFrom));
        return;
      }
      this.#tell(bytes, at);
      from = at + MARKED_BYTES;
    }
  }

  #tell(bytes: Buffer, at: number): void {
    const start = at + MARKER.length;
    const time = Number.parseInt(bytes.toString('latin1', start, start + STAMP_DIGITS), 16);
    if (Number.isSafeInteger(time)) this.#onStamp(time);
  }

  #keep(bytes: Buffer): void {
    this.#carry.set(bytes);
    this.#carried = bytes.length;
  }
}
