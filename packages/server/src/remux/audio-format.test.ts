import { FlvTagType } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';

import { type FanOutFamily } from '../live/index.ts';
import { framings } from './framing-test-kit.ts';
import { aacFamily, type Framing, mp3Family, plainFraming } from './index.ts';
import {
  aacHeader,
  audio,
  drain,
  liveStream,
  publishTo,
  settings,
  type TestPublisher,
  video,
  watch,
} from './test-kit.ts';
import { adtsPayloads, numberOfSound } from './ts-test-kit.ts';

interface Form {
  readonly name: 'aac' | 'mp3';
  family(framing: Framing): FanOutFamily;
  /** Numbers of the frames behind the file header. */
  numbers(body: Buffer): number[];
  body(number: number): Uint8Array;
}

/** Bytes of a frame behind its tag header: frames of one size can be told apart. */
const MP3_BYTES = 60;

const forms: readonly Form[] = [
  {
    name: 'aac',
    family: (framing) => aacFamily(framing),
    numbers: (body) => adtsPayloads(body).map(({ body: payload }) => numberOfSound(payload)),
    body: (number) => audio(number),
  },
  {
    name: 'mp3',
    family: (framing) => mp3Family(framing),
    numbers: (body) => {
      if (body.length === 0) return [];
      expect(body.toString('latin1', 0, 3)).toBe('ID3');
      const frames = body.subarray(10 + (body[9] ?? 0));
      return Array.from({ length: frames.length / MP3_BYTES }, (_, at) =>
        numberOfSound(frames.subarray(at * MP3_BYTES, (at + 1) * MP3_BYTES), [0x2f]),
      );
    },
    body: (number) => audio(number, { codec: 'mp3', size: MP3_BYTES + 1 }),
  },
];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

describe.each(forms)('$name fan-out', (form) => {
  const { name } = form;
  const family = (framing: Framing) => form.family(framing);
  const numbers = (bytes: Buffer) => form.numbers(bytes);
  const soundBody = (number: number) => form.body(number);

  /** Audio each 20 ms with its number, video between. */
  function publish(publisher: TestPublisher, from: number, to: number): void {
    if (from === 0 && name === 'aac') publisher.write(FlvTagType.audio, 0, aacHeader());
    for (let number = from; number < to; number += 1) {
      publisher.write(FlvTagType.video, number * 20, video(number, { key: number % 50 === 0 }));
      publisher.write(FlvTagType.audio, number * 20, soundBody(number));
      publisher.flush();
    }
  }

  it.each(framings)('H010 the audio alone, %s', (_, framing, unwrap) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publish(publisher, 0, 20);
    const options = { family: family(framing), endsWithPublisher: 'always' as const };
    const watcher = watch(stream, options);
    publish(publisher, 20, 60);
    publisher.end();
    expect(watcher.ends).toEqual(['publisher-gone']);
    const { body, ended } = unwrap(watcher.sink.bytes);
    expect(ended).toBe(framing.trailer !== undefined);
    expect(numbers(body)).toEqual(range(20, 60));
  });

  it('H010 listeners share every byte', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publish(publisher, 0, 10);
    const first = watch(stream, { family: family(plainFraming) });
    publish(publisher, 10, 20);
    const second = watch(stream, { family: family(plainFraming) });
    publish(publisher, 20, 30);
    expect(first.sink.writes.at(-1)).toBe(second.sink.writes.at(-1));
    expect(numbers(second.sink.bytes)).toEqual(range(20, 30));
  });

  it('H011 fast_cache: the last seconds at once, nothing twice', () => {
    const stream = liveStream({ ...settings(), fastCacheMs: 1000 });
    const publisher = publishTo(stream);
    publish(publisher, 0, 100);
    const watcher = watch(stream, { family: family(plainFraming) });
    expect(numbers(watcher.sink.bytes)).toEqual(range(49, 100));
    publish(publisher, 100, 110);
    expect(numbers(watcher.sink.bytes)).toEqual(range(49, 110));
  });

  it('H012 waits for the publisher, and goes on with the next one', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family: family(plainFraming) });
    const publisher = publishTo(stream);
    publish(publisher, 0, 10);
    publisher.end();
    publish(publishTo(stream), 0, 5);
    expect(numbers(watcher.sink.bytes)).toEqual([...range(0, 10), ...range(0, 5)]);
  });

  it('one that falls behind goes on with whole frames', () => {
    const stream = liveStream(settings({ queueLengthMs: 500 }));
    const publisher = publishTo(stream);
    publish(publisher, 0, 10);
    const slow = watch(stream, { family: family(plainFraming) });
    publish(publisher, 10, 20);
    slow.sink.blocked = true;
    publish(publisher, 20, 100);
    drain(slow);
    publish(publisher, 100, 110);
    const seen = numbers(slow.sink.bytes);
    expect(slow.drops.length).toBeGreaterThan(0);
    expect(seen.slice(0, 10)).toEqual(range(10, 20));
    expect(seen.slice(-10)).toEqual(range(100, 110));
    expect([...seen].sort((left, right) => left - right)).toEqual(seen);
  });

  it('frames of other codecs, empty and broken ones are passed over', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: family(plainFraming) });
    publish(publisher, 0, 3);
    publisher.write(FlvTagType.audio, 60, audio(7, { codec: 'speex' }));
    publisher.write(FlvTagType.audio, 60, audio(8, { codec: name === 'aac' ? 'mp3' : 'aac' }));
    publisher.write(FlvTagType.audio, 60, soundBody(9).subarray(0, name === 'aac' ? 2 : 1));
    publisher.write(FlvTagType.audio, 60, Uint8Array.of(0x99));
    if (name === 'aac') publisher.write(FlvTagType.audio, 60, audio(10, { size: 9000 }));
    publisher.flush();
    publish(publisher, 4, 6);
    expect(numbers(watcher.sink.bytes)).toEqual([0, 1, 2, 4, 5]);
  });

  it('a long burst is cut into batches, each whole', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: family(plainFraming) });
    if (name === 'aac') publisher.write(FlvTagType.audio, 0, aacHeader());
    const count = 12_000;
    for (let number = 0; number < count; number += 1)
      publisher.write(FlvTagType.audio, number, soundBody(number));
    publisher.flush();
    drain(watcher);
    expect(numbers(watcher.sink.bytes)).toEqual(range(0, count));
    expect(Math.max(...watcher.sink.writes.map(({ length }) => length))).toBeLessThan(270_000);
  });
});

describe('aac fan-out', () => {
  it('L019 a new configuration changes the headers from there on', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.audio, 0, aacHeader());
    const family = aacFamily(plainFraming);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.audio, 0, audio(1));
    publisher.flush();
    publisher.write(FlvTagType.audio, 20, Uint8Array.of(0xaf, 0, 0x11, 0x90));
    publisher.write(FlvTagType.audio, 20, audio(2));
    publisher.flush();
    const frames = adtsPayloads(watcher.sink.bytes);
    expect(frames.map(({ header }) => header.toString('hex', 0, 3))).toEqual(['fff150', 'fff14c']);
  });

  it('nothing before the configuration is known', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const family = aacFamily(plainFraming);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.audio, 0, audio(1));
    publisher.flush();
    expect(watcher.sink.writes).toEqual([]);
  });
});
