import type { Packet } from '@sluice/media/model';

import { startsGop } from '../../live/index.ts';
import { LEAST_OVERDUE_MS, VIDEO_SILENT_MS } from './limits.ts';

/** Where the files of the plan `segment` end (V001). */
export interface SegmentRule {
  /** How long a segment is to be, ms. */
  readonly durationMs: number;
  /** Segments end in front of keyframes only, as long as any come. */
  readonly waitKeyframe: boolean;
}

/** What decides about a packet. */
export interface SegmentSituation {
  /** How long the file is, ms. */
  readonly elapsedMs: number;
  readonly hasVideo: boolean;
  /** Since when no video has come, ms. */
  readonly videoSilentMs: number;
}

/** Whether the file ends in front of this packet. */
export function isCutAt(packet: Packet, rule: SegmentRule, situation: SegmentSituation): boolean {
  const { durationMs, waitKeyframe } = rule;
  const { elapsedMs, hasVideo, videoSilentMs } = situation;
  if (elapsedMs < durationMs) return false;
  if (startsGop(packet) || !waitKeyframe) return true;
  const silent = !hasVideo || videoSilentMs >= VIDEO_SILENT_MS;
  if (packet.track.kind === 'audio' && silent) return true;
  return elapsedMs >= durationMs + Math.max(durationMs, LEAST_OVERDUE_MS);
}
