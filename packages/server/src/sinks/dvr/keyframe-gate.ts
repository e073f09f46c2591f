import type { Packet } from '@sluice/media/model';

import { startsGop } from '../../live/index.ts';
import { START_WITHOUT_KEYFRAME_MS } from './limits.ts';

/** Lets packets into a recording: from a keyframe on, or without one when none comes for long. */
export class KeyframeGate {
  /** Nothing is let in before a keyframe, no sound either. */
  #shut: boolean;
  /** No video is let in before a keyframe. */
  #needsKeyframe = true;
  #waitsSince: number | undefined;

  /** @param fresh - the stream begins now: its sound needs no keyframe */
  constructor(fresh: boolean) {
    this.#shut = !fresh;
  }

  /** Whether nothing is let in before a keyframe. */
  get isShut(): boolean {
    return this.#shut;
  }

  /** Something was lost: lets nothing in before the next keyframe. */
  shut(): void {
    this.#shut = true;
    this.#needsKeyframe = true;
    this.#waitsSince = undefined;
  }

  /**
   * Whether a timed packet is let in.
   *
   * @param elapsedMs - the recording's time
   * @param hasVideo - the stream has video, so that a keyframe may come
   */
  admits(packet: Packet, elapsedMs: number, hasVideo: boolean): boolean {
    if (!this.#needsKeyframe && !this.#shut) return true;
    this.#waitsSince ??= elapsedMs;
    const waitedLong = elapsedMs - this.#waitsSince >= START_WITHOUT_KEYFRAME_MS;
    if (packet.track.kind === 'video') {
      if (!startsGop(packet) && !waitedLong) return false;
      this.#needsKeyframe = false;
    } else if (this.#shut && hasVideo && !waitedLong) {
      return false;
    }
    this.#shut = false;
    return true;
  }
}
