import { readFileSync } from 'node:fs';

import { BufferSource, EncodedPacketSink, Input, type InputTrack, MPEG_TS } from 'mediabunny';
import { describe, expect, it } from 'vitest';

import { ADTS_HEADER_BYTES, buildAdtsHeader } from '../aac/index.ts';
import { annexBUnits, buildLengthPrefixed } from '../avc/index.ts';
import { bytesToHex, concatBytes } from '../bytes/index.ts';
import { type TsAudioEvent, TsDemuxer, type TsEvent, TsMuxer, type TsVideoEvent } from './index.ts';

/** A stream of FFmpeg, and the same pictures and sounds as our muxer writes them. */
function remux(name: string): { events: TsEvent[]; bytes: Uint8Array } {
  const demuxer = new TsDemuxer();
  const file = readFileSync(new URL(`./testdata/${name}.mpegts`, import.meta.url));
  const events = [...demuxer.write(file), ...demuxer.end()];
  const video = events.find((event) => event.kind === 'video')?.codec;
  const muxer = new TsMuxer({ video, audio: events.find((event) => event.kind === 'audio')?.codec });
  const parts: Uint8Array[] = [];
  const add = (size: number, write: (target: Uint8Array) => number): void => {
    const target = new Uint8Array(size);
    expect(write(target)).toBe(size);
    parts.push(target);
  };
  add(muxer.tablesSize(), (target) => muxer.writeTables(target, 0));
  for (const event of events) {
    if (event.kind === 'video') {
      const unit = {
        dts: event.dts / 90,
        pts: event.pts / 90,
        keyframe: event.keyframe,
        data: buildLengthPrefixed(event.nalUnits),
        nalLengthSize: 4,
        parameterSets: event.parameterSets,
      };
      add(muxer.videoSize(unit), (target) => muxer.writeVideo(target, 0, unit));
    } else if (event.kind === 'audio') {
      const header = buildAdtsHeader({
        sampleRate: 44_100,
        channelConfiguration: 2,
        payloadLength: event.data.length,
      });
      const pieces = event.codec === 'aac' ? [header, event.data] : [event.data];
      const unit = { pts: event.pts / 90, pcr: video === undefined, pieces };
      add(muxer.audioSize(unit), (target) => muxer.writeAudio(target, 0, unit));
    }
  }
  return { events, bytes: concatBytes(parts) };
}

/** What another demuxer finds in a track: when, whether a keyframe, and the bytes. */
async function packetsOf(track: InputTrack): Promise<{ time: number; key: boolean; data: Uint8Array }[]> {
  const packets: { time: number; key: boolean; data: Uint8Array }[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) {
    packets.push({
      time: Math.round(packet.timestamp * 90_000),
      key: packet.type === 'key',
      data: packet.data,
    });
  }
  return packets;
}

/** The NAL units behind the delimiter and the parameter sets. */
function picturesOf(data: Uint8Array, without: (header: number) => boolean): string[] {
  return [...annexBUnits(data)]
    .filter(({ start }) => !without(data[start] ?? 0))
    .map(({ start, end }) => bytesToHex(data.subarray(start, end)));
}

describe('mediabunny reads what our muxer wrote', () => {
  it.each([
    ['h264-aac', 'avc', 'aac', (header: number) => [7, 8, 9].includes(header & 0x1f)],
    ['hevc-mp3', 'hevc', 'mp3', (header: number) => header >> 1 >= 32 && header >> 1 <= 35],
    ['latm', undefined, 'aac', () => false],
  ] as const)('%s', async (name, videoCodec, audioCodec, isSet) => {
    const { events, bytes } = remux(name);
    using input = new Input({ formats: [MPEG_TS], source: new BufferSource(bytes) });
    const video = events.filter((event): event is TsVideoEvent => event.kind === 'video');
    const audio = events.filter((event): event is TsAudioEvent => event.kind === 'audio');
    const videoTrack = await input.getPrimaryVideoTrack();
    expect(await videoTrack?.getCodec()).toBe(videoCodec);
    if (videoTrack !== null) {
      expect([await videoTrack.getCodedWidth(), await videoTrack.getCodedHeight()]).toEqual([64, 48]);
      const packets = await packetsOf(videoTrack);
      expect(packets.map(({ time, key }) => [time, key])).toEqual(
        video.map((event) => [event.pts, event.keyframe]),
      );
      expect(packets.map(({ data }) => picturesOf(data, isSet))).toEqual(
        video.map((event) => event.nalUnits.map(bytesToHex)),
      );
    }
    const audioTrack = await input.getPrimaryAudioTrack();
    expect(await audioTrack?.getCodec()).toBe(audioCodec);
    const packets = audioTrack === null ? [] : await packetsOf(audioTrack);
    expect(packets.map(({ time }) => time)).toEqual(audio.map((event) => event.pts));
    // It leaves an ADTS header on its frame.
    const headerBytes = audioCodec === 'aac' ? ADTS_HEADER_BYTES : 0;
    expect(packets.map(({ data }) => bytesToHex(data.subarray(headerBytes)))).toEqual(
      audio.map((event) => bytesToHex(event.data)),
    );
  });
});
