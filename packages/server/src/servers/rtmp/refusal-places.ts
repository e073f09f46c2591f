/** Clients beyond `max_connections` that may be there at once to be told so; each has a descriptor. */
const MAX_PLACES = 16;
/** Such clients a second: each costs a handshake. */
const MAX_PER_SECOND = 20;

/**
 * How many clients for whom there is no place are let in only to be refused in their protocol, so that an encoder
 * shows why. The others are closed at accept (R002).
 */
export class RefusalPlaces {
  #taken = 0;
  #second = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  /**
   * Takes a place, which {@link release} gives back.
   *
   * @param now - ms of the monotonic clock
   * @returns false when there is none
   */
  take(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    if (this.#taken >= MAX_PLACES || this.#inSecond >= MAX_PER_SECOND) return false;
    this.#taken += 1;
    this.#inSecond += 1;
    return true;
  }

  release(): void {
    this.#taken -= 1;
  }
}
