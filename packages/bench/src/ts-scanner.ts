import { BenchError } from './errors.ts';

const PACKET_BYTES = 188;
const SYNC_BYTE = 0x47;

/**
 * Follows an MPEG-TS byte stream, looks at every packet's sync byte and tells where frames begin (ISO/IEC 13818-1,
 * 2.4.3.2 and 2.4.3.6).
 */
export class TsScanner {
  readonly #onMedia: (keyframe: boolean) => void;
  /** A packet whose bytes come in pieces. */
  readonly #partial = new Uint8Array(PACKET_BYTES);
  #partialLength = 0;
  #packets = 0;

  /** @param onMedia a PES packet begins; `keyframe`: of video, at a random access point */
  constructor(onMedia: (keyframe: boolean) => void) {
    this.#onMedia = onMedia;
  }

  /**
   * Scans the next bytes.
   * @throws BenchError `bad-option` where a packet does not begin with the sync byte
   */
  write(bytes: Uint8Array): void {
    let offset = 0;
    if (this.#partialLength > 0) {
      const piece = bytes.subarray(0, PACKET_BYTES - this.#partialLength);
      this.#partial.set(piece, this.#partialLength);
      this.#partialLength += piece.length;
      offset = piece.length;
      if (this.#partialLength < PACKET_BYTES) return;
      this.#partialLength = 0;
      this.#look(this.#partial, 0);
    }
    for (; offset + PACKET_BYTES <= bytes.length; offset += PACKET_BYTES) this.#look(bytes, offset);
    this.#partial.set(bytes.subarray(offset), 0);
    this.#partialLength = bytes.length - offset;
  }

  #look(bytes: Uint8Array, at: number): void {
    if (bytes[at] !== SYNC_BYTE) {
      throw new BenchError(
        'bad-option',
        `the server did not send MPEG-TS: no sync byte at packet ${this.#packets}`,
      );
    }
    this.#packets++;
    const unitStart = ((bytes[at + 1] ?? 0) & 0x40) !== 0;
    if (!unitStart) return;
    const control = ((bytes[at + 3] ?? 0) >> 4) & 3;
    const adaptationLength = control >= 2 ? (bytes[at + 4] ?? 0) : -1;
    const randomAccess = adaptationLength > 0 && ((bytes[at + 5] ?? 0) & 0x40) !== 0;
    const payload = at + 5 + adaptationLength;
    if ((control & 1) === 0 || payload + 4 > at + PACKET_BYTES) return;
    // The start code of a PES packet; tables begin with a pointer instead.
    if (bytes[payload] !== 0 || bytes[payload + 1] !== 0 || bytes[payload + 2] !== 1) return;
    const streamId = bytes[payload + 3] ?? 0;
    const video = streamId >= 0xe0 && streamId <= 0xef;
    const audio = streamId >= 0xc0 && streamId <= 0xdf;
    if (video || audio) this.#onMedia(video && randomAccess);
  }
}
