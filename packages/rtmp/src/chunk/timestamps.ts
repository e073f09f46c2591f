/** Timestamps repeat after this many ms: peers keep 31 or 32 bits of them. */
const wrapMs = 0x8000_0000;
const halfWrapMs = 0x4000_0000;

/**
 * Turns the timestamps of the wire into ones that keep growing. A wire timestamp is known modulo 2^31 ms
 * (24.8 days), as peers disagree about bit 31; of the values that fit, the one nearest to the last audio or
 * video timestamp of the connection is taken. So a stream that runs past 2^31 goes on past 2^31 here, a jump
 * back of up to 12 days stays a jump back, and the result is never negative.
 */
export class TimestampUnwrapper {
  #last = -1;

  /**
   * @param wire ms, 0..2^32-1
   * @param isMedia whether this is an audio or video timestamp, which later ones are measured against
   */
  unwrap(wire: number, isMedia: boolean): number {
    const value = wire & 0x7fff_ffff;
    const last = this.#last;
    // Both below half the range: the nearest value is the value itself.
    const unwrapped = last < halfWrapMs && value < halfWrapMs ? value : nearest(value, last);
    if (isMedia) {
      this.#last = unwrapped;
    }
    return unwrapped;
  }
}

function nearest(value: number, last: number): number {
  if (last < 0) {
    return value;
  }
  let difference = value - (last % wrapMs);
  if (difference > halfWrapMs) {
    difference -= wrapMs;
  } else if (difference < -halfWrapMs) {
    difference += wrapMs;
  }
  const unwrapped = last + difference;
  return unwrapped < 0 ? value : unwrapped;
}
