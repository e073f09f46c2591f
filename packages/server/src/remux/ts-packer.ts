import type { TsCodecs } from '@sluice/media/mpegts';
import { TsPacker as FlvTsPacker } from '@sluice/media/remux';

export type { PackResult } from '@sluice/media/remux';

/** Packs frames into one MPEG-TS, in memory that nobody has to fill with zeros first. */
export class TsPacker extends FlvTsPacker {
  /** @param announced - what the PMT tells before a frame or a header has told better (L010) */
  constructor(announced: TsCodecs) {
    super(announced, { allocate: (size) => Buffer.allocUnsafeSlow(size) });
  }
}
