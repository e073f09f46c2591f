import type { Packet } from '@sluice/media/model';

/** Whether a packet has a place in time: coded media and what goes along with it, rather than a configuration or data. */
export function isTimed({ type }: Packet): boolean {
  return type === 'media' || type === 'control';
}

/**
 * Whether players may begin here: at a keyframe of the first video track. Of a message with several tracks all packets
 * are keyframes or none, and they begin with its first packet.
 */
export function startsGop({ keyframe, part, parts, track }: Packet): boolean {
  return keyframe && (parts > 1 ? part === 0 : track.primary);
}

/** Whether a packet is a timed one of a video track. */
export function isPicture(packet: Packet): boolean {
  return packet.track.kind === 'video' && isTimed(packet);
}
