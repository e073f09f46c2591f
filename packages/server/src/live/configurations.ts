import { isSameTrack, type KeptPacket } from '@sluice/media/model';

/**
 * The configurations that hold behind some packets.
 *
 * @param before - those that hold in front of them
 * @param from - the first one that counts
 * @param to - the one behind the last
 * @returns `before` itself where nothing changes
 */
export function configurationsAfter(
  before: readonly KeptPacket[],
  packets: readonly KeptPacket[],
  from: number,
  to: number,
): readonly KeptPacket[] {
  let after = before;
  for (let index = from; index < to; index += 1) {
    const packet = packets[index];
    if (packet?.type !== 'configuration') continue;
    const known = after.some(({ track }) => isSameTrack(track, packet.track));
    after = known
      ? after.map((one) => (isSameTrack(one.track, packet.track) ? packet : one))
      : [...after, packet];
  }
  return after;
}

/**
 * The configurations that hold now, each as it was in `held` where its track had one there.
 *
 * @param isThere - whether one of `held` counts although its track has none now
 */
export function configurationsAsHeld(
  now: readonly KeptPacket[],
  held: readonly KeptPacket[],
  isThere: (one: KeptPacket) => boolean,
): readonly KeptPacket[] {
  const as = now.map((one) => held.find(({ track }) => isSameTrack(track, one.track)) ?? one);
  const gone = held.filter((one) => !now.some(({ track }) => isSameTrack(track, one.track)) && isThere(one));
  return gone.length === 0 ? as : [...as, ...gone];
}
