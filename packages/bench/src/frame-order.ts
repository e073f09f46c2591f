/** Stamps that are remembered: some minutes of video, far more than any player is behind. */
export const MAX_REMEMBERED_STAMPS = 10_000;

/**
 * The order in which one publisher's stamped frames were sent, by which each player's gaps are seen: a frame is lost
 * when one that was sent after it has come.
 */
export class FrameOrder {
  readonly #numbers = new Map<number, number>();
  #sent = 0;

  /** A frame with this stamp is sent. */
  sent(microseconds: number): void {
    this.#numbers.set(microseconds, this.#sent++);
    if (this.#numbers.size <= MAX_REMEMBERED_STAMPS) return;
    for (const oldest of this.#numbers.keys()) {
      this.#numbers.delete(oldest);
      return;
    }
  }

  /** Makes what follows one player: given each stamp that it reads, it tells how many were passed over before it. */
  follow(): (microseconds: number) => number {
    let last = -1;
    return (microseconds) => {
      const number = this.#numbers.get(microseconds);
      if (number === undefined) return 0;
      const passedOver = last < 0 ? 0 : Math.max(0, number - last - 1);
      last = Math.max(last, number);
      return passedOver;
    };
  }
}
