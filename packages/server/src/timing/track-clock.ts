import {
  ARRIVAL_CHECK_MS,
  JUMP_STEP_MS,
  MAX_DISORDER_MS,
  MAX_STEADY_STEP_MS,
  UNSTEADY_MS,
} from './limits.ts';

/**
 * What is known of one track's clock. Input is the publisher's time, output the time on the stream's timeline, arrival
 * that of a monotonic clock, all in ms; `NaN` where it is not known, so that every comparison with it fails.
 */
export class TrackClock {
  readonly #floor: number;
  /** Input of the last frame; NaN before the first one. */
  lastIn = Number.NaN;
  lastOut = 0;
  /** From input to output. */
  offset = 0;
  /** Up to this input the arrival is not looked at. */
  checkIn = Number.NaN;
  /** Output at which the track is held, and since when. */
  heldOut = Number.NaN;
  heldAt = Number.NaN;
  /** The input that is repeated. */
  repeatIn = Number.NaN;
  /** The clock stands still: the offset grows with arrival. */
  standing = false;
  /** Where the track's time is counted by arrival from. */
  countedAt = Number.NaN;
  #countedOut = 0;
  /** Input of a frame, and its arrival. */
  #noteIn = Number.NaN;
  #noteAt = Number.NaN;
  /** The clock before the last jump or gap. */
  priorOffset = 0;
  #priorIn = Number.NaN;
  #priorOut = 0;
  #priorAt = Number.NaN;
  #gapIn = Number.NaN;
  #leftAt = Number.NaN;

  /** @param floor - the least output */
  constructor(floor: number) {
    this.#floor = floor;
  }

  get running(): boolean {
    return !Number.isNaN(this.lastIn);
  }

  /** How far the last frame's own time is behind what was given out. */
  get behind(): number {
    return this.lastOut - this.lastIn - this.offset;
  }

  begin(input: number, offset: number, now: number): void {
    this.offset = offset;
    this.lastOut = this.#floor;
    this.#priorIn = Number.NaN;
    this.#leftAt = Number.NaN;
    this.repeatIn = Number.NaN;
    this.standing = false;
    this.arrives(input, now);
  }

  stop(): void {
    this.lastIn = Number.NaN;
  }

  /** Notes when a frame of the clock arrives. */
  arrives(input: number, now: number): void {
    this.#noteIn = input;
    this.#noteAt = now;
    this.checkIn = input + ARRIVAL_CHECK_MS;
  }

  /** How much sooner than the clock says a frame arrives. */
  earliness(input: number, now: number): number {
    return input - this.#noteIn - (now - this.#noteAt);
  }

  /** How long after its time by the clock the last frame is now. */
  silentFor(now: number): number {
    return -this.earliness(this.lastIn, now);
  }

  /** Counts the track's time by arrival from here. */
  countArrival(output: number, now: number): void {
    this.#countedOut = output;
    this.countedAt = now;
  }

  timeByArrival(now: number): number {
    return Math.round(this.#countedOut + now - this.countedAt);
  }

  /** Whether the clock has jumped a moment ago. */
  unsteady(now: number): boolean {
    return now - this.#leftAt <= UNSTEADY_MS;
  }

  /** The next frame follows on a gap, or its time is wrong. */
  takeGap(input: number, now: number): void {
    this.#remember(now);
    this.#gapIn = input;
    this.arrives(input, now);
  }

  /** The clock is left for another one. */
  leave(now: number): void {
    if (!this.unsteady(now)) this.countArrival(this.lastOut + JUMP_STEP_MS, now);
    this.#remember(now);
    this.#leftAt = now;
  }

  /** Whether an input is the next one of the clock that the track had before. */
  fitsPrior(input: number, now: number): boolean {
    // Of a gap, the one frame behind it may be wrong.
    if (this.priorOffset === this.offset && (this.lastIn !== this.#gapIn || input <= this.#priorIn))
      return false;
    const step = input - this.#priorIn;
    return step >= -MAX_DISORDER_MS && step <= this.#sincePrior(now) + MAX_STEADY_STEP_MS;
  }

  /** Whether it is, and the clock was left only a moment ago: a frame or two had a wrong time. */
  justLeft(input: number, now: number): boolean {
    return input > this.#priorIn && this.fitsPrior(input, now) && this.#sincePrior(now) <= UNSTEADY_MS;
  }

  #remember(now: number): void {
    this.#priorIn = this.lastIn;
    this.#priorOut = this.lastOut;
    this.#priorAt = now;
    this.priorOffset = this.offset;
  }

  #sincePrior(now: number): number {
    const arrived = now - this.#priorAt;
    const output = this.lastOut - this.#priorOut;
    return arrived > output ? arrived : output;
  }
}
