import { concatBytes } from '@sluice/media/bytes';
import { FlvTagType } from '@sluice/media/flv';
import type { Packet } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { flvFamily, plainFraming, rtmpFamily, tsFamily } from '../remux/index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  liveStream,
  publishTo,
  readFlv,
  readRtmp,
  settings,
  type TestPublisher,
  watch,
} from '../remux/test-kit.ts';
import { readTs } from '../remux/ts-test-kit.ts';
import type { LiveStream } from './live-stream.ts';

const CHUNK_SIZE = 60_000;
const FOURCC = Buffer.from('avc1');
const ZERO_TIME = Uint8Array.of(0, 0, 0);

/** Enhanced RTMP v2: a tag with the tracks 0 and 1, each with its size. */
function manyTracks(packetType: number, isKey: boolean, parts: readonly Uint8Array[]): Uint8Array {
  const head = Uint8Array.of(0x80 | ((isKey ? 1 : 2) << 4) | 6, (1 << 4) | packetType, ...FOURCC);
  const tracks = parts.flatMap((part, id) => [
    Uint8Array.of(id, part.length >> 16, part.length >> 8, part.length),
    part,
  ]);
  return concatBytes([head, ...tracks]);
}

function slice(track: number, number: number, isKey: boolean): Uint8Array {
  return Uint8Array.of(0, 0, 0, 5, isKey ? 0x65 : 0x41, 0x88, 0x80 | track, number & 0xff, 0x80);
}

function picture(number: number, isKey: boolean): Uint8Array {
  // CodedFrames: a composition time in front of each.
  const parts = [0, 1].map((track) => concatBytes([ZERO_TIME, slice(track, number, isKey)]));
  return manyTracks(1, isKey, parts);
}

/** Both tracks' configurations in one message, then pictures of both and sound. */
function publish(publisher: TestPublisher, from: number, to: number): void {
  if (from === 0) {
    const records = [avcHeader().subarray(5), avcHeader(1).subarray(5)];
    publisher.write(FlvTagType.video, 0, manyTracks(0, true, records));
    publisher.write(FlvTagType.audio, 0, aacHeader());
  }
  for (let number = from; number < to; number += 1) {
    publisher.write(FlvTagType.video, number * 40, picture(number, number % 25 === 0));
    publisher.write(FlvTagType.audio, number * 40, audio(number));
  }
  publisher.flush();
}

function bodies(messages: readonly { kind: number; body: Uint8Array }[]): string[] {
  const videos = messages.filter(({ kind }) => kind === FlvTagType.video);
  return videos.map(({ body }) => Buffer.from(body).toString('hex'));
}

function hex(...of: readonly Uint8Array[]): string[] {
  return of.map((body) => Buffer.from(body).toString('hex'));
}

function pictures(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, at) => picture(from + at, (from + at) % 25 === 0));
}

describe.each([
  ['as they come', {}],
  ['in the order of their times', { mixCorrect: true }],
] as const)('a publisher with two tracks of video in each message, %s', (_, play) => {
  const open = (): LiveStream => liveStream(settings(play));

  it('RTMP and FLV players get each message once, as it came, early and late', () => {
    const stream = open();
    const rtmp = rtmpFamily(CHUNK_SIZE, { audio: true, video: true });
    const early = watch(stream, { family: rtmp });
    const publisher = publishTo(stream);
    publish(publisher, 0, 60);
    const late = [watch(stream, { family: rtmp }), watch(stream, { family: flvFamily(plainFraming) })];
    publish(publisher, 60, 80);
    publisher.end();
    // Each track's configuration is a message of its own, so that one can be replaced.
    const seen = bodies(readRtmp(early.sink.bytes, CHUNK_SIZE));
    expect(seen.slice(2)).toEqual(hex(...pictures(0, 80)));
    const joined = late.map(({ sink }, index) =>
      bodies(index === 0 ? readRtmp(sink.bytes, CHUNK_SIZE) : readFlv(sink.bytes).tags),
    );
    for (const one of joined) {
      expect(one.slice(0, 2)).toEqual(seen.slice(0, 2));
      expect(one.slice(2)).toEqual(hex(...pictures(50, 80)));
    }
    expect(publisher.warnings).toEqual([]);
  });

  it('MPEG-TS has the first track, from any GOP on', () => {
    const stream = open();
    const publisher = publishTo(stream);
    publish(publisher, 0, 60);
    const watcher = watch(stream, { family: tsFamily(plainFraming, () => stream.configurations) });
    publish(publisher, 60, 80);
    publisher.end();
    const pes = readTs(watcher.sink.bytes).pes.filter(({ pid }) => pid === 0x100);
    expect(pes).toHaveLength(30);
    for (const { payload } of pes) {
      expect(payload.includes(Buffer.from([0x88, 0x80]))).toBe(true);
      expect(payload.includes(Buffer.from([0x88, 0x81]))).toBe(false);
    }
  });

  it('subscribers get packets of both, each with its configuration and payload', () => {
    const stream = open();
    const packets: Packet[] = [];
    const publisher = publishTo(stream);
    stream.subscribe({ write: (packet) => packets.push(packet.keep()), end: () => undefined });
    publish(publisher, 0, 5);
    publisher.end();
    const videos = packets.filter(({ track, type }) => track.kind === 'video' && type === 'media');
    expect(videos.map(({ track }) => track.id)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    expect(videos.map(({ track }) => track.primary)).toEqual(videos.map((_packet, index) => index % 2 === 0));
    for (const [index, { payload, track }] of videos.entries()) {
      expect([...payload]).toEqual([...slice(track.id, index >> 1, index < 2)]);
      const record = avcHeader(track.id).subarray(5);
      expect(Buffer.from(track.configuration?.record ?? []).equals(record)).toBe(true);
    }
  });
});
