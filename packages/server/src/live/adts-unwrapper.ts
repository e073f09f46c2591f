import {
  adtsFrames,
  audioSpecificConfigFromAdts,
  buildAudioSpecificConfig,
  isAdtsSync,
} from '@sluice/media/aac';
import { concatBytes } from '@sluice/media/bytes';
import { createPacket, type KeptPacket, type Packet } from '@sluice/media/model';

/** AAC frames of a message, without the ADTS headers that neither FLV nor the media model has. */
export interface Unwrapped {
  /** An AudioSpecificConfig that these frames can be decoded with. */
  readonly record: Uint8Array;
  /** Packets with memory of their own, one a frame. */
  readonly packets: readonly KeptPacket[];
}

/** Samples of an AAC frame. */
const FRAME_SAMPLES = 1024;
const SYNC_BYTE = 0xff;

/**
 * Removes ADTS headers from AAC frames: some encoders leave them on. A raw frame does not begin with the syncword: it
 * would be an end element followed by other bytes.
 *
 * @returns undefined for an ordinary frame, and for one that can't be read as ADTS
 */
export function unwrapAdts(packet: Packet): Unwrapped | undefined {
  const { body, payloadStart, parts, sourceTimestamp, timestamp, track } = packet;
  // Nearly every frame is done with here.
  if (body[payloadStart] !== SYNC_BYTE || packet.type !== 'media' || parts > 1) return undefined;
  const payload = packet.rawPayload;
  if (track.codec !== 'aac' || !isAdtsSync(payload)) return undefined;
  const head = body.subarray(0, payloadStart);
  const packets: KeptPacket[] = [];
  let record: Uint8Array | undefined;
  for (const { header, payloadStart: from, end } of adtsFrames(payload)) {
    record ??= buildAudioSpecificConfig(audioSpecificConfigFromAdts(header));
    const after = Math.round((packets.length * FRAME_SAMPLES * 1000) / header.sampleRate);
    const frame = {
      track,
      decodeTime: packet.at(timestamp + after).decodeTime,
      sourceTimestamp: sourceTimestamp + after,
      body: concatBytes([head, payload.subarray(from, end)]),
      payloadStart,
      flvHeader: packet.flvHeader,
      nanoseconds: packet.nanoseconds,
    };
    packets.push(createPacket(frame, false));
  }
  return record === undefined ? undefined : { record, packets };
}
