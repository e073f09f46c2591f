import { FlvTagType, mediaPacket, configurationPacket } from '@sluice/media/flv';
import {
  type AudioTrack,
  createAudioTrack,
  createVideoTrack,
  type KeptPacket,
  type Packet,
  parseDecoderConfiguration,
  type VideoTrack,
} from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { flvFamily, plainFraming, rtmpFamily, tsFamily } from '../remux/index.ts';
import { aacHeader, avcHeader, liveStream, publishTo, readFlv, readRtmp, watch } from '../remux/test-kit.ts';
import { readTs } from '../remux/ts-test-kit.ts';

const CHUNK_SIZE = 60_000;

/** Tracks as a protocol with a clock of 90 kHz (MPEG-TS, RTP) knows them. */
function tracks(): { video: VideoTrack; audio: AudioTrack } {
  const avc = parseDecoderConfiguration('h264', avcHeader().subarray(5));
  const aac = parseDecoderConfiguration('aac', aacHeader().subarray(2));
  return {
    video: createVideoTrack('h264', { timescale: 90_000, configuration: avc }),
    audio: createAudioTrack('aac', { timescale: 44_100, configuration: aac }),
  };
}

/** One slice as length-prefixed NAL unit. */
function picture(number: number, isKey: boolean): Uint8Array {
  return Uint8Array.of(0, 0, 0, 4, isKey ? 0x65 : 0x41, 0x88, number, 0x80);
}

function told(packet: KeptPacket | undefined): KeptPacket {
  if (packet === undefined) throw new Error('the track has no configuration');
  return packet;
}

/** Publishes two seconds: 29.97 pictures a second, each shown one later than decoded, and AAC, by memory that is lent. */
function publish(write: (packet: Packet) => void): void {
  const { video, audio } = tracks();
  write(told(configurationPacket(video, 0)));
  write(told(configurationPacket(audio, 0)));
  let sound = 0;
  for (let number = 0; number < 60; number += 1) {
    const payload = picture(number, number === 0);
    const decodeTime = number * 3003;
    const keyframe = number === 0;
    write(mediaPacket({ track: video, decodeTime, compositionOffset: 3003, keyframe, payload }, true));
    payload.fill(0xee);
    for (; sound * 1024 * 90_000 <= decodeTime * 44_100; sound += 1) {
      const frame = Uint8Array.of(0x21, sound, 1, 2);
      write(mediaPacket({ track: audio, decodeTime: sound * 1024, payload: frame }, true));
      frame.fill(0xee);
    }
  }
}

describe('a publisher that does not speak FLV', () => {
  it('plays by RTMP and FLV with times in ms', () => {
    const stream = liveStream();
    const early = watch(stream, { family: rtmpFamily(CHUNK_SIZE, { audio: true, video: true }) });
    const publisher = publishTo(stream);
    publish((packet) => {
      publisher.writePacket(packet);
    });
    publisher.flush();
    const messages = readRtmp(early.sink.bytes, CHUNK_SIZE);
    const pictures = messages.filter(({ kind }) => kind === FlvTagType.video);
    expect(pictures).toHaveLength(61);
    expect(Buffer.from(pictures[0]?.body ?? []).equals(avcHeader())).toBe(true);
    expect([...(pictures[1]?.body ?? [])]).toEqual([0x17, 1, 0, 0, 33, ...picture(0, true)]);
    expect(pictures.slice(1).map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 60 }, (_, number) => Math.round((number * 3003) / 90)),
    );
    const sounds = messages.filter(({ kind }) => kind === FlvTagType.audio);
    expect([...(sounds[1]?.body ?? [])]).toEqual([0xaf, 1, 0x21, 0, 1, 2]);
    expect(sounds.slice(1, 5).map(({ timestamp }) => timestamp)).toEqual([0, 23, 46, 70]);
    const late = watch(stream, { family: flvFamily(plainFraming) });
    const { tags } = readFlv(late.sink.bytes);
    expect(tags.filter(({ kind }) => kind === FlvTagType.video)).toHaveLength(61);
    expect(stream.video).toMatchObject({ codec: 'h264', width: 1280, height: 720 });
    expect(stream.audio).toMatchObject({ codec: 'aac', sampleRate: 44_100 });
    expect(publisher.warnings).toEqual([]);
  });

  it('plays by MPEG-TS with the times of its own clock', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family: tsFamily(plainFraming, () => stream.configurations) });
    const publisher = publishTo(stream);
    publish((packet) => {
      publisher.writePacket(packet);
    });
    publisher.flush();
    const pictures = readTs(watcher.sink.bytes).pes.filter(({ pid }) => pid === 0x100);
    expect(pictures).toHaveLength(60);
    for (const [number, { dts, pts }] of pictures.entries()) {
      expect(Math.round((dts - (pictures[0]?.dts ?? 0)) * 90)).toBe(number * 3003);
      expect(Math.round((pts - dts) * 90)).toBe(3003);
    }
  });
});
