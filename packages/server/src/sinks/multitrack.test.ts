import { concatBytes } from '@sluice/media/bytes';
import { FlvTagType } from '@sluice/media/flv';
import type { Packet } from '@sluice/media/model';
import { openMp4, runReadStepsOn } from '@sluice/media/mp4';
import { describe, expect, it } from 'vitest';

import { aacHeader, avcHeader, liveStream, publishTo } from '../remux/test-kit.ts';
import { adtsPayloads, nalUnits, readTs } from '../remux/ts-test-kit.ts';
import { tagsOf } from './dvr/test-kit.ts';
import {
  ALL,
  cutHds,
  cutHls,
  hex,
  KEY_EACH,
  packetsIn,
  PICTURES,
  type Publish,
  type Published,
  record,
  samplesIn,
  slice,
  sound,
} from './tracks-test-kit.ts';

/** Enhanced RTMP v2: tags with tracks; the frame type of video is in bits 4..6. */
const VIDEO = 0x86;
const AUDIO = 0x95;
const KEY = 0x10;
const INTER = 0x20;
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;

interface Message {
  readonly type: FlvTagType;
  readonly timestamp: number;
  readonly body: Uint8Array;
}

interface Head {
  /** First byte of the tag. */
  readonly first: number;
  readonly packetType: number;
  readonly fourCC: string;
}

interface TrackPart {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Bodies of the messages that carry two tracks' parts. */
type Layout = (head: Head, parts: readonly TrackPart[]) => Uint8Array[];

function together({ first, packetType, fourCC }: Head, parts: readonly TrackPart[]): Uint8Array[] {
  const tracks = parts.flatMap(({ id, bytes }) => [Uint8Array.of(id), sized(bytes)]);
  return [concatBytes([Uint8Array.of(first, 0x10 | packetType), Buffer.from(fourCC), ...tracks])];
}

function withCodecs({ first, packetType, fourCC }: Head, parts: readonly TrackPart[]): Uint8Array[] {
  const tracks = parts.flatMap(({ id, bytes }) => [Buffer.from(fourCC), Uint8Array.of(id), sized(bytes)]);
  return [concatBytes([Uint8Array.of(first, 0x20 | packetType), ...tracks])];
}

function apart({ first, packetType, fourCC }: Head, parts: readonly TrackPart[]): Uint8Array[] {
  return parts.map(({ id, bytes }) =>
    concatBytes([Uint8Array.of(first, packetType), Buffer.from(fourCC), Uint8Array.of(id), bytes]),
  );
}

function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(bytes.length >> 16, bytes.length >> 8, bytes.length), bytes]);
}

/** Composition time of a track's pictures, ms. */
function compositionTime(track: number): number {
  return 40 * (1 + track);
}

/** The records that the first and the second track are told with. */
const RECORDS = {
  video: [avcHeader(0).subarray(5), avcHeader(1).subarray(5)],
  audio: [aacHeader().subarray(2), Uint8Array.of(0x12, 0x08)],
};

/** All that a publisher with two tracks of each kind sends. */
function messagesOf(layout: Layout, ids: readonly [number, number]): Message[] {
  const messages: Message[] = [];
  const add = (type: FlvTagType, timestamp: number, head: Head, parts: readonly Uint8Array[]): void => {
    const tracks = ids.map((id, track) => ({ id, bytes: parts[track] ?? new Uint8Array(0) }));
    for (const body of layout(head, tracks)) messages.push({ type, timestamp, body });
  };
  const start = { packetType: SEQUENCE_START };
  add(FlvTagType.video, 0, { first: VIDEO | KEY, fourCC: 'avc1', ...start }, RECORDS.video);
  add(FlvTagType.audio, 0, { first: AUDIO, fourCC: 'mp4a', ...start }, RECORDS.audio);
  for (const number of ALL) {
    const coded = { packetType: CODED_FRAMES };
    const first = VIDEO | (number % KEY_EACH === 0 ? KEY : INTER);
    const pictures = [0, 1].map((track) =>
      concatBytes([Uint8Array.of(0, 0, compositionTime(track)), slice(track, number)]),
    );
    add(FlvTagType.video, number * 40, { first, fourCC: 'avc1', ...coded }, pictures);
    const sounds = [0, 1].map((track) => sound(track, number));
    add(FlvTagType.audio, number * 40, { first: AUDIO, fourCC: 'mp4a', ...coded }, sounds);
  }
  return messages;
}

/** Publishes messages whose memory is used again after each. */
function publishing(messages: readonly Message[]): Publish {
  return (publisher, from, to) => {
    for (const { type, timestamp, body } of messages) {
      if (timestamp < from || timestamp >= to) continue;
      const lent = Uint8Array.from(body);
      publisher.write(type, timestamp, lent);
      lent.fill(0xee);
    }
  };
}

function ofKind(packets: readonly Packet[], kind: 'audio' | 'video', id: number): Packet[] {
  return packets.filter(({ track }) => track.kind === kind && track.id === id);
}

function payloads(packets: readonly Packet[]): string[] {
  return packets.map(({ payload }) => hex(payload));
}

function slices(track: number): string[] {
  return ALL.map((number) => hex(slice(track, number)));
}

function sounds(track: number): string[] {
  return ALL.map((number) => hex(sound(track, number)));
}

/** Every packet has the configuration of its track. */
function expectConfiguration(packets: readonly Packet[], bytes: Uint8Array | undefined): void {
  for (const { track } of packets)
    expect([...(track.configuration?.record ?? [])]).toEqual([...(bytes ?? [])]);
}

function published(publish: Publish): Published {
  const stream = liveStream();
  return { stream, publisher: publishTo(stream), publish };
}

describe.each([
  ['both in one message', together, [0, 1]],
  ['both in one message, with ids of their own', together, [7, 3]],
  ['each in one message with a codec of its own', withCodecs, [0, 1]],
  ['each in messages of its own', apart, [0, 1]],
  ['each in messages of its own, with ids of their own', apart, [7, 3]],
] as const)('a publisher with two tracks of each kind, %s', (_, layout, ids) => {
  const messages = messagesOf(layout, ids);
  const publish = publishing(messages);

  it('FLV records all tracks: each message once, as it came', async () => {
    const { bytes, warnings } = await record('./rec/live/test.flv', published(publish));
    const packets = packetsIn(tagsOf(bytes));
    const brief = ({ timestamp, body }: { timestamp: number; body: Uint8Array }): string =>
      `${timestamp} ${hex(body)}`;
    const sent = messages.filter(({ body }) => ((body[1] ?? 0) & 0x0f) === CODED_FRAMES);
    expect(packets.filter(({ part }) => part === 0).map(brief)).toEqual(sent.map(brief));
    expect(packets).toHaveLength(4 * PICTURES);
    for (const [track, id] of ids.entries()) {
      const videos = ofKind(packets, 'video', id);
      expect(payloads(videos)).toEqual(slices(track));
      expectConfiguration(videos, RECORDS.video[track]);
      const audios = ofKind(packets, 'audio', id);
      expect(payloads(audios)).toEqual(sounds(track));
      expectConfiguration(audios, RECORDS.audio[track]);
    }
    expect(warnings).toEqual([]);
  });

  it('MP4 records the first track of each kind', async () => {
    const { bytes, warnings } = await record('./rec/live/test.mp4', published(publish));
    const file = runReadStepsOn(bytes, openMp4(bytes.length));
    expect(file.tracks.map(({ codec }) => codec)).toEqual(['h264', 'aac']);
    const samples = samplesIn(bytes);
    const videos = samples.filter(({ sample }) => sample.track.codec === 'h264');
    const audios = samples.filter(({ sample }) => sample.track.codec === 'aac');
    expect(videos.map(({ data }) => hex(data))).toEqual(slices(0));
    expect(audios.map(({ data }) => hex(data))).toEqual(sounds(0));
    expect(videos.map(({ sample }) => sample.dts)).toEqual(ALL.map((number) => number * 40));
    expect(videos.every(({ sample: { dts, pts } }) => pts - dts === compositionTime(0))).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('HLS and its MPEG-TS have the first track of each kind', async () => {
    const { bytes, durations, warnings } = await cutHls(published(publish));
    const ts = readTs(bytes);
    expect(durations).toEqual([4, 4, 1]);
    expect(ts.pmts[0]?.streams).toEqual({ 0x100: 0x1b, 0x101: 0x0f });
    const pictures = ts.pes.filter(({ pid }) => pid === 0x100);
    const units = pictures.map(({ payload }) =>
      nalUnits(payload).filter(([head]) => head === 0x65 || head === 0x41),
    );
    expect(units.map((of) => of.map(hex))).toEqual(ALL.map((number) => [hex(slice(0, number).subarray(4))]));
    expect(pictures.map(({ dts }) => dts)).toEqual(ALL.map((number) => number * 40));
    expect(pictures.every(({ dts, pts }) => pts - dts === compositionTime(0))).toBe(true);
    const frames = ts.pes.filter(({ pid }) => pid === 0x101).flatMap(({ payload }) => adtsPayloads(payload));
    expect(frames.map(({ body }) => hex(body))).toEqual(sounds(0));
    expect(warnings).toEqual([]);
  });

  it('HDS has the first track of each kind', async () => {
    const { tags, fragments, warnings } = await cutHds(published(publish));
    expect(fragments).toBe(9);
    const packets = packetsIn(tags);
    expect(packets.every(({ parts }) => parts === 1)).toBe(true);
    expect(packets).toHaveLength(2 * PICTURES);
    const videos = ofKind(packets, 'video', ids[0]);
    expect(payloads(videos)).toEqual(slices(0));
    expect(videos.map(({ timestamp }) => timestamp)).toEqual(ALL.map((number) => number * 40));
    expect(videos.map(({ keyframe }) => keyframe)).toEqual(ALL.map((number) => number % KEY_EACH === 0));
    expect(videos.every(({ compositionOffset }) => compositionOffset === compositionTime(0))).toBe(true);
    expectConfiguration(videos, RECORDS.video[0]);
    const audios = ofKind(packets, 'audio', ids[0]);
    expect(payloads(audios)).toEqual(sounds(0));
    expectConfiguration(audios, RECORDS.audio[0]);
    expect(warnings).toEqual([]);
  });

  describe('another configuration of the second track', () => {
    const changedAt = 2000;
    const head = { first: VIDEO | KEY, packetType: SEQUENCE_START, fourCC: 'avc1' };
    const other = avcHeader(2).subarray(5);
    const [body = new Uint8Array(0)] = apart(head, [{ id: ids[1], bytes: other }]);
    const at = messages.findIndex(({ timestamp }) => timestamp === changedAt);
    const changed = { type: FlvTagType.video, timestamp: changedAt, body };
    const publishChanged = publishing(messages.toSpliced(at, 0, changed));

    it('is in the FLV recording, in front of the frames that it holds for', async () => {
      const { bytes, warnings } = await record('./rec/live/test.flv', published(publishChanged));
      const packets = packetsIn(tagsOf(bytes));
      const before = changedAt / 40;
      expect(payloads(ofKind(packets, 'video', ids[1]))).toEqual(slices(1));
      expectConfiguration(ofKind(packets, 'video', ids[0]), RECORDS.video[0]);
      expectConfiguration(ofKind(packets, 'video', ids[1]).slice(0, before), RECORDS.video[1]);
      expectConfiguration(ofKind(packets, 'video', ids[1]).slice(before), other);
      expect(warnings).toEqual([]);
    });

    it('cuts nothing of MP4, HLS and HDS, which have the first track', async () => {
      const mp4 = await record('./rec/live/test.mp4', published(publishChanged));
      expect(samplesIn(mp4.bytes)).toHaveLength(2 * PICTURES);
      const hls = await cutHls(published(publishChanged));
      expect(hls.durations).toEqual([4, 4, 1]);
      expect(hls.discontinuities).toBe(0);
      expect(readTs(hls.bytes).pes.filter(({ pid }) => pid === 0x100)).toHaveLength(PICTURES);
      const hds = await cutHds(published(publishChanged));
      expect(hds.fragments).toBe(9);
      const packets = packetsIn(hds.tags);
      expectConfiguration(ofKind(packets, 'video', ids[0]), RECORDS.video[0]);
      expect(packets).toHaveLength(2 * PICTURES);
    });
  });
});
