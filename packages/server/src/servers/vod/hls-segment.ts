import { FlvPacketReader, type FlvTag } from '@sluice/media/flv';
import { TS_PACKET_BYTES, TS_SYNC_BYTE, TS_TABLES_BYTES, type TsCodecs, TsPid } from '@sluice/media/mpegts';

import type { FileBytes, SegmentIndex } from '../../files/index.ts';
import { TsPacker } from '../../remux/index.ts';
import { VodHlsError } from './hls-errors.ts';

/** Which of a recording's tracks MPEG-TS can carry. */
export function tsCodecsOf({ videoCodec, audioCodec }: SegmentIndex): TsCodecs {
  return {
    video: videoCodec === 'h264' || videoCodec === 'hevc' ? videoCodec : undefined,
    audio: audioCodec === 'aac' || audioCodec === 'mp3' ? audioCodec : undefined,
  };
}

/**
 * Makes a segment of a recording: PAT and PMT, then every frame, nothing transcoded. Timestamps are those of the
 * file, so that they go on from segment to segment.
 *
 * @param bytes the file of the index
 * @param maxBytes a larger segment is given up
 * @throws VodHlsError `too-large`
 * @throws MediaFileError `changed`, `damaged`, `io`
 */
export async function packSegment(
  bytes: FileBytes,
  index: SegmentIndex,
  number: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const packer = new TsPacker(tsCodecsOf(index));
  const reader = new FlvPacketReader();
  packer.writeTables();
  for await (const tags of index.read(bytes, number)) {
    for (const tag of tags) packTag(packer, reader, tag);
    if (packer.length > maxBytes) {
      throw new VodHlsError('too-large', `segment ${number} has over ${maxBytes} bytes`);
    }
  }
  packer.flushAudio();
  return joinable(packer, number);
}

function packTag(packer: TsPacker, reader: FlvPacketReader, { type, timestamp, body }: FlvTag): void {
  for (const packet of reader.read(type, timestamp, body)) packer.write(packet);
}

/**
 * The packer's bytes, so that they can follow any other segment: continuity counters begin anew in each segment,
 * which a packet of each track says in front (discontinuity_indicator, ISO/IEC 13818-1 2.4.3.5), and those of PAT
 * and PMT, of which there is one each, count the segments.
 */
function joinable(packer: TsPacker, number: number): Uint8Array {
  const { codecs } = packer;
  const pids: number[] = [];
  if (number > 0 && codecs.video !== undefined) pids.push(TsPid.video);
  if (number > 0 && codecs.audio !== undefined) pids.push(TsPid[codecs.audio]);
  const markBytes = pids.length * TS_PACKET_BYTES;
  const segment = Buffer.allocUnsafeSlow(markBytes + packer.length);
  packer.moveTo(segment, markBytes);
  segment.copyWithin(0, markBytes, markBytes + TS_TABLES_BYTES);
  for (const [place, pid] of pids.entries()) {
    writeMark(segment, TS_TABLES_BYTES + place * TS_PACKET_BYTES, pid);
  }
  for (const offset of [3, TS_PACKET_BYTES + 3]) {
    segment[offset] = ((segment[offset] ?? 0) & 0xf0) | (number & 0x0f);
  }
  return segment;
}

/** A packet without payload, whose counter is that in front of 0. */
function writeMark(target: Uint8Array, offset: number, pid: number): void {
  target.fill(0xff, offset, offset + TS_PACKET_BYTES); // stuffing_byte
  target[offset] = TS_SYNC_BYTE;
  target[offset + 1] = pid >> 8;
  target[offset + 2] = pid & 0xff;
  target[offset + 3] = 0x2f; // adaptation_field_control 2, continuity_counter 15
  target[offset + 4] = TS_PACKET_BYTES - 5; // adaptation_field_length
  target[offset + 5] = 0x80; // discontinuity_indicator
}
