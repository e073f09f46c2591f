import {
  adtsFrames,
  audioSpecificConfigFromAdts,
  buildAudioSpecificConfig,
  isAdtsSync,
} from '@sluice/media/aac';
import { concatBytes } from '@sluice/media/bytes';
import { buildAudioTagHeader, parseAudioTagHeader } from '@sluice/media/flv';

import type { Frame } from './frame.ts';

/** AAC frames of a message, without the ADTS headers that FLV does not have. */
export interface Unwrapped {
  /** Body of a sequence header that these frames can be decoded with. */
  readonly header: Uint8Array;
  readonly frames: readonly Frame[];
}

/** Samples of an AAC frame. */
const FRAME_SAMPLES = 1024;

/**
 * Removes ADTS headers from AAC frames: some encoders leave them on. A raw frame does not begin with the syncword: it
 * would be an end element followed by other bytes.
 *
 * @returns undefined for an ordinary frame, and for one that can't be read as ADTS
 */
export function unwrapAdts(frame: Frame): Unwrapped | undefined {
  const { body, timestamp, sourceTimestamp } = frame;
  // Behind a header of FLV, or one of Enhanced RTMP: nearly every frame is done with here.
  if (body[2] !== 0xff && body[5] !== 0xff) return undefined;
  const tag = parseAudioTagHeader(body);
  if (tag?.packetType !== 'raw' || !isAdtsSync(body, tag.dataOffset)) return undefined;
  const head = body.subarray(0, tag.dataOffset);
  const payload = body.subarray(tag.dataOffset);
  const frames: Frame[] = [];
  let header: Uint8Array | undefined;
  for (const found of adtsFrames(payload)) {
    if (header === undefined) {
      const config = buildAudioSpecificConfig(audioSpecificConfigFromAdts(found.header));
      const start = buildAudioTagHeader({
        codec: 'aac',
        packetType: 'sequence-header',
        enhanced: tag.enhanced,
      });
      header = concatBytes([start, config]);
    }
    const after = Math.round((frames.length * FRAME_SAMPLES * 1000) / found.header.sampleRate);
    frames.push({
      ...frame,
      timestamp: timestamp + after,
      sourceTimestamp: sourceTimestamp + after,
      body: concatBytes([head, payload.subarray(found.payloadStart, found.end)]),
    });
  }
  return header === undefined ? undefined : { header, frames };
}
