/** What tests of all outputs share: a live stream, its recordings, HLS and HDS, and what players make of them. */
import { concatBytes } from '@sluice/media/bytes';
import { flvHeader, FlvPacketReader, FlvReader, type FlvTag, FlvTagType } from '@sluice/media/flv';
import { hdsFragmentTags } from '@sluice/media/hds';
import type { Packet } from '@sluice/media/model';
import { type Mp4Sample, openMp4, runReadStepsOn } from '@sluice/media/mp4';

import type { LiveStream, Publication } from '../live/index.ts';
import { dvr, settle, vhostWith } from './dvr/test-kit.ts';
import { HdsSinks } from './hds/index.ts';
import { hdsVhost, MemoryDisk } from './hds/test-kit.ts';
import { HlsRun } from './hls/test-kit.ts';

/** Pictures of 40 ms with a keyframe each second, for nine seconds. */
export const PICTURES = 225;
export const KEY_EACH = 25;
const SECONDS = 9;

/** One slice as length-prefixed NAL unit, told by its track and number. */
export function slice(track: number, number: number): Uint8Array {
  const type = number % KEY_EACH === 0 ? 0x65 : 0x41;
  return Uint8Array.of(0, 0, 0, 5, type, 0x88, 0x80 | track, 0x80 | (number & 0x7f), 0x80 | (number >> 7));
}

/** A frame of AAC, told by its track and number. */
export function sound(track: number, number: number): Uint8Array {
  return Uint8Array.of(0x21, 0x80 | track, 0x80 | (number & 0x7f), 0x80 | (number >> 7));
}

/** Publishes what belongs to `[from, to)`, ms. */
export type Publish = (publisher: Publication, from: number, to: number) => void;

/** A live stream with a publisher, and what it publishes. */
export interface Published {
  /** `live/test` of the default vhost. */
  readonly stream: LiveStream;
  readonly publisher: Publication & { readonly warnings: readonly string[] };
  readonly publish: Publish;
}

/** What else an output comes with. */
interface Output {
  /** What was wrong. */
  readonly warnings: readonly unknown[];
}

/** Publishes nine seconds; what stands beside the stream has its turn each second. */
async function publishAll({ publisher, publish }: Published, turn: () => void): Promise<void> {
  for (let second = 0; second < SECONDS; second += 1) {
    publish(publisher, second * 1000, (second + 1) * 1000);
    publisher.flush();
    await settle();
    turn();
    await settle();
  }
  publisher.end();
  await settle();
}

/** A recording of a publisher. */
export async function record(path: string, published: Published): Promise<Output & { bytes: Uint8Array }> {
  const { stream, publisher } = published;
  const vhost = vhostWith({ path });
  const { sinks, disk } = dvr({ vhost, findStream: () => stream });
  sinks.published(stream, vhost);
  const faults: unknown[] = [];
  await publishAll(published, () => {
    sinks.tick();
    faults.push(...sinks.faults(stream.key));
  });
  await sinks.close();
  return { bytes: disk.bytes(path), warnings: [...publisher.warnings, ...faults] };
}

/** The segments of a publisher, one behind the other, and how long each is, s. */
export async function cutHls(
  published: Published,
): Promise<Output & { bytes: Uint8Array; durations: number[]; discontinuities: number }> {
  const run = new HlsRun({ windowMs: 60_000 });
  const { stream, publisher } = published;
  const { id, key } = stream;
  stream.subscribe(run.sinks.open({ id, key, endPublisher: () => undefined }, { hls: run.config }));
  await publishAll(published, () => {
    run.clock += 1000;
  });
  const { segments } = run.playlist('live/test.m3u8');
  const bytes = concatBytes(segments.map(({ uri }) => run.segmentBytes(`live/${uri}`)));
  const durations = segments.map(({ duration }) => duration);
  const discontinuities = segments.filter(({ discontinuity }) => discontinuity === true).length;
  return { bytes, durations, discontinuities, warnings: [...publisher.warnings, ...run.log] };
}

/** All tags of the fragments of a publisher, with the configurations that each begins with. */
export async function cutHds(published: Published): Promise<Output & { tags: FlvTag[]; fragments: number }> {
  const disk = new MemoryDisk();
  const warnings: string[] = [];
  const log = { warn: (line: string) => warnings.push(line), info: (line: string) => warnings.push(line) };
  const sinks = new HdsSinks({ log, disk });
  const { stream, publisher } = published;
  stream.subscribe(sinks.open({ id: stream.id, key: stream.key }, hdsVhost(1000, 60_000)));
  await publishAll(published, () => undefined);
  await sinks.close();
  const number = (name: string): number => Number(/Frag(\d+)$/.exec(name)?.[1] ?? 0);
  const names = disk.names().filter((name) => number(name) > 0);
  const tags = names
    .sort((one, other) => number(one) - number(other))
    .flatMap((name) => {
      const reader = new FlvReader();
      const head = flvHeader({ audio: true, video: true });
      return reader.write(Buffer.concat([head, hdsFragmentTags(disk.bytes(name))]));
    });
  return { tags, fragments: names.length, warnings: [...publisher.warnings, ...warnings] };
}

/** Packets of media in tags, as a player reads them. */
export function packetsIn(tags: readonly FlvTag[]): Packet[] {
  const reader = new FlvPacketReader();
  const packets = tags.flatMap(({ type, timestamp, body }) => {
    if (type !== FlvTagType.audio && type !== FlvTagType.video) return [];
    const read = reader.read(type, timestamp, body);
    if (reader.problem !== undefined) throw new Error(reader.problem);
    return read;
  });
  return packets.filter(({ type }) => type === 'media');
}

/** Bytes that are compared, short. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Samples of each kind in an MP4 file, with their bytes. */
export function samplesIn(bytes: Uint8Array): { sample: Mp4Sample; data: Uint8Array }[] {
  const cursor = runReadStepsOn(bytes, openMp4(bytes.length)).cursor();
  const all: { sample: Mp4Sample; data: Uint8Array }[] = [];
  for (;;) {
    const samples = runReadStepsOn(bytes, cursor.read());
    if (samples.length === 0) return all;
    for (const sample of samples) {
      all.push({ sample, data: bytes.subarray(sample.offset, sample.offset + sample.size) });
    }
  }
}

/** The numbers of all pictures. */
export const ALL = Array.from({ length: PICTURES }, (_, number) => number);
