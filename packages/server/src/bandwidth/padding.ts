import { AmfObject } from '@sluice/media/amf';

/** Bytes of one data packet's text; a packet has some 60 more. */
export const PADDING_BYTES = 8 * 1024;
/** The most that waits for the network: more of it would only be sent after the time is over. */
const MAX_WAITING_BYTES = 256 * 1024;

/** Bytes that a rate allows. */
export function bytesAt(kbps: number, ms: number): number {
  return (kbps * ms) / 8;
}

/** What sends data packets. */
export interface PaddingTarget {
  /** Sends one packet. */
  readonly send: (data: AmfObject) => void;
  /** Bytes sent that the operating system hasn't taken yet. */
  readonly waitingBytes: () => number;
}

/** Sends data packets at a rate, as far as the network takes them. */
export class Padding {
  readonly #target: PaddingTarget;
  readonly #limitKbps: number;
  readonly #data = AmfObject.from({ data: '.'.repeat(PADDING_BYTES) });
  #sent = 0;

  constructor(target: PaddingTarget, limitKbps: number) {
    this.#target = target;
    this.#limitKbps = limitKbps;
  }

  /** @param elapsedMs - since the first call */
  fill(elapsedMs: number): void {
    const allowed = bytesAt(this.#limitKbps, elapsedMs);
    while (this.#sent + PADDING_BYTES <= allowed && this.#target.waitingBytes() < MAX_WAITING_BYTES) {
      this.#target.send(this.#data);
      this.#sent += PADDING_BYTES;
    }
  }
}
