import { createHash, timingSafeEqual } from 'node:crypto';

import { AmfObject } from '@sluice/media/amf';

import type { VhostConfig } from '../config/index.ts';
import type { Refusal } from '../security/index.ts';

/** What a refused client is told, whatever the reason (spec 5.4). */
const REJECTED = 'bandcheck rejected';

/** Says who may test the bandwidth: with the key, and not too soon after the last. One for a whole server. */
export class BandwidthGate {
  #last: number | undefined;

  /**
   * Asks for a test; an answer of undefined begins the time until the next (B001).
   *
   * @param tcUrl - as sent; the key is in its query
   * @param now - ms of the monotonic clock
   */
  check(bandcheck: VhostConfig['bandcheck'], tcUrl: string, now: number): Refusal | undefined {
    const { key, intervalMs } = bandcheck;
    if (key !== '' && !sameText(keyOf(tcUrl), key)) {
      return { reason: 'bandwidth-rejected', detail: 'the key of the bandwidth test is wrong (1032)' };
    }
    const since = this.#last === undefined ? Infinity : now - this.#last;
    if (since < intervalMs) {
      const wait = Math.ceil((intervalMs - since) / 1000);
      return { reason: 'bandwidth-rejected', detail: `the next bandwidth test may come in ${wait} s (1033)` };
    }
    this.#last = now;
    return undefined;
  }
}

/** The information of the `onStatus` that refuses a test. */
export function bandwidthRejection(): AmfObject {
  return AmfObject.from({
    level: 'error',
    code: 'NetConnection.Connect.Rejected',
    description: REJECTED,
  });
}

function keyOf(tcUrl: string): string {
  const value = /[?&]key=([^&/]*)/.exec(tcUrl)?.[1] ?? '';
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Takes the same time wherever the texts differ. */
function sameText(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
