/**
 * Counts what has been received and says when the peer is due an Acknowledgement (Adobe RTMP 1.0, 5.4.3 and
 * 5.4.4).
 */
export class ReceiveWindow {
  #received = 0;
  #acknowledged = 0;
  #size = 0;

  /** Bytes received so far. */
  get received(): number {
    return this.#received;
  }

  /** @param bytes the window that the peer asked for; 0 for no acknowledgements */
  setSize(bytes: number): void {
    this.#size = bytes;
  }

  add(bytes: number): void {
    this.#received += bytes;
  }

  /**
   * The sequence number to acknowledge now, modulo 2^32; `undefined` while less than a window came in.
   *
   * @param mayNow - asked when one is due; false puts it off
   */
  takeDue(mayNow: () => boolean): number | undefined {
    if (this.#size === 0 || this.#received - this.#acknowledged < this.#size) {
      return undefined;
    }
    if (!mayNow()) return undefined;
    this.#acknowledged = this.#received;
    return this.#received % 0x1_0000_0000;
  }
}
