import { FlvTagType } from '@sluice/media/flv';
import { AmfEcmaArray, encodeAmf0 } from '@sluice/media/amf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { framings } from './framing-test-kit.ts';
import { flvFamily, plainFraming } from './index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  brief,
  drain,
  liveStream,
  media,
  publishTo,
  readFlv,
  settings,
  type TestPublisher,
  video,
  watch,
  type Watcher,
} from './test-kit.ts';

const family = flvFamily(plainFraming);

function seen({ sink }: Watcher): string[] {
  return brief(readFlv(sink.bytes).tags);
}

/** 25 frames and 50 audios a second; numbers are times. */
function publishSeconds(publisher: TestPublisher, fromMs: number, toMs: number, size = 100): void {
  for (let time = fromMs; time < toMs; time += 20) {
    if (time % 40 === 0)
      publisher.write(FlvTagType.video, time, video(time, { key: time % 1000 === 0, size }));
    publisher.write(FlvTagType.audio, time, audio(time));
    publisher.flush();
  }
}

describe.each(framings)('FLV fan-out, %s', (_, framing, unwrap) => {
  it('H009 header, metadata, sequence headers, GOP, then what comes', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.script, 0, encodeAmf0('onMetaData', new AmfEcmaArray([['width', 1]])));
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publishSeconds(publisher, 1000, 1060);
    const watcher = watch(stream, { family: flvFamily(framing) });
    publishSeconds(publisher, 1060, 1100);
    const { body, ended } = unwrap(watcher.sink.bytes);
    expect(ended).toBe(false);
    const { reader, tags } = readFlv(body);
    expect(reader.header).toEqual({ audio: true, video: true });
    const names = brief(tags);
    expect(names.slice(0, 3)).toEqual(['d@0', 'ah@0', 'vh@0']);
    expect(names.slice(3)).toEqual([
      ...['v@0#1000', 'a@0#1000', 'a@20#1020', 'v@40#1040', 'a@40#1040'],
      ...['a@60#1060', 'v@80#1080', 'a@80#1080'],
    ]);
  });

  it('bodies of every size arrive untouched', () => {
    const sizes = [
      10, 90, 105, 106, 110, 111, 112, 125, 126, 127, 65_500, 65_515, 65_520, 65_521, 65_536, 300_000,
    ];
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: flvFamily(framing) });
    const bodies = sizes.map((size, at) => video(at, { size, key: at === 0 }));
    bodies.forEach((body, at) => {
      publisher.write(FlvTagType.video, at * 40, body);
      publisher.flush();
    });
    const late = watch(stream, { family: flvFamily(framing) });
    for (let turn = 0; turn < 5; turn += 1) drain(late);
    for (const { sink } of [watcher, late]) {
      const { tags } = readFlv(unwrap(sink.bytes).body);
      expect(tags.map(({ timestamp }) => timestamp)).toEqual(sizes.map((_size, at) => at * 40));
      tags.forEach(({ body }, at) => {
        expect(Buffer.compare(body, bodies[at] ?? new Uint8Array(0))).toBe(0);
      });
    }
  });

  it('H009 ends in order when the publisher goes, busy or not, started or not', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const options = { family: flvFamily(framing), endsWithPublisher: 'always' as const };
    const waiting = watch(stream, options);
    publisher.end();
    expect(waiting.ends).toEqual(['publisher-gone']);
    const next = publishTo(stream);
    publishSeconds(next, 0, 100);
    const idle = watch(stream, options);
    const busy = watch(stream, options, true);
    publishSeconds(next, 100, 500);
    next.end();
    for (const { ends, sink, player } of [idle, busy, waiting]) {
      expect(ends).toEqual(['publisher-gone']);
      const { ended, body } = unwrap(sink.bytes);
      expect(ended).toBe(framing.trailer !== undefined);
      if (player !== waiting.player) expect(readFlv(body).tags.at(-1)).toMatchObject({ number: 480 });
    }
    expect(stream.players).toBe(0);
  });

  it('H012 stays when told so, and times go on with the next publisher', () => {
    const stream = liveStream();
    const first = publishTo(stream);
    publishSeconds(first, 0, 100);
    const watcher = watch(stream, { family: flvFamily(framing) });
    first.end();
    const second = publishTo(stream);
    publishSeconds(second, 5000, 5060);
    expect(watcher.ends).toEqual([]);
    const received = media(readFlv(unwrap(watcher.sink.bytes).body).tags);
    expect(brief(received).slice(-5)).toEqual([
      'v@120#5000',
      'a@120#5000',
      'a@140#5020',
      'v@160#5040',
      'a@160#5040',
    ]);
  });

  it('a player that starts in the middle of a batch gets a framing of its own for the rest', () => {
    const stream = liveStream(settings({ gopCache: false }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family: flvFamily(framing) });
    publisher.write(FlvTagType.script, 0, encodeAmf0('onTextData', 'x'));
    publisher.write(FlvTagType.video, 0, avcHeader());
    for (let at = 0; at < 5; at += 1)
      publisher.write(FlvTagType.video, at * 40, video(at, { key: at === 0 }));
    publisher.flush();
    const { tags } = readFlv(unwrap(watcher.sink.bytes).body);
    expect(brief(tags)).toEqual(['vh@0', 'v@0#0', 'v@40#1', 'v@80#2', 'v@120#3', 'v@160#4']);
  });
});

describe('FLV fan-out', () => {
  it.each([
    ['audio alone', { audio: true, video: false }],
    ['video alone', { audio: false, video: true }],
  ] as const)('the file header says %s', (_, flags) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    if (flags.audio) publisher.write(FlvTagType.audio, 0, audio(1));
    else publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    const { reader, tags } = readFlv(watcher.sink.bytes);
    expect(reader.header).toEqual(flags);
    expect(tags).toHaveLength(1);
  });

  it.each([
    ['audiocodecid 0', { videocodecid: 7, audiocodecid: 0 }, 1, { audio: false, video: true }],
    ['audiocodecid null', { videocodecid: 7, audiocodecid: null }, 1, { audio: false, video: true }],
    ['audiocodecid ""', { videocodecid: 7, audiocodecid: '' }, 1, { audio: false, video: true }],
    ['audiocodecid mp4a', { videocodecid: 'avc1', audiocodecid: 'mp4a' }, 1, { audio: true, video: true }],
    ['sound to come', { videocodecid: 7, audiocodecid: 10 }, 114, { audio: true, video: true }],
    ['sound that never comes', { videocodecid: 7, audiocodecid: 10 }, 115, { audio: false, video: true }],
  ] as const)('the file header, announced by metadata: %s', (_, properties, pictures, flags) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const metadata = encodeAmf0('onMetaData', new AmfEcmaArray(Object.entries(properties)));
    publisher.write(FlvTagType.script, 0, metadata);
    for (let at = 0; at < pictures; at += 1)
      publisher.write(FlvTagType.video, at * 40, video(at, { key: at === 0 }));
    publisher.flush();
    const early = watch(stream, { family });
    expect(readFlv(early.sink.bytes).reader.header).toEqual(flags);
    publisher.write(FlvTagType.audio, pictures * 40, audio(1));
    publisher.flush();
    // Sound that comes late, or was not announced, is said to those who join then.
    const late = watch(stream, { family });
    expect(readFlv(late.sink.bytes).reader.header).toEqual({ audio: true, video: true });
  });

  it.each([
    ['to come', 9, 113, true],
    ['that never come', 9, 115, false],
    ['of codec 0', 0, 1, false],
  ] as const)('the file header, pictures %s', (_, videocodecid, sounds, wanted) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const properties = new AmfEcmaArray(Object.entries({ videocodecid, audiocodecid: 10 }));
    publisher.write(FlvTagType.script, 0, encodeAmf0('onMetaData', properties));
    for (let at = 0; at < sounds; at += 1) publisher.write(FlvTagType.audio, at * 20, audio(at));
    publisher.flush();
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.audio, sounds * 20, audio(sounds));
    publisher.flush();
    const body = watcher.sink.bytes;
    expect(readFlv(body).reader.header).toEqual({ audio: true, video: wanted });
    expect(body[4]).toBe(wanted ? 5 : 4);
  });

  it('a track that has stopped is not announced, and its sequence header comes again with it', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publishSeconds(publisher, 0, 1000);
    for (let time = 1000; time <= 25_000; time += 40) {
      publisher.write(FlvTagType.video, time, video(time, { key: time % 1000 === 0 }));
    }
    publisher.flush();
    const watcher = watch(stream, { family });
    expect(readFlv(watcher.sink.bytes).reader.header).toEqual({ audio: false, video: true });
    expect(seen(watcher).filter((name) => name.startsWith('a'))).toEqual([]);
    publisher.write(FlvTagType.audio, 25_040, audio(7));
    publisher.flush();
    expect(seen(watcher).slice(-2)).toEqual(['ah@40', 'a@40#7']);
    const late = watch(stream, { family });
    expect(readFlv(late.sink.bytes).reader.header).toEqual({ audio: true, video: true });
  });

  it('a player that begins with frames of a track that has stopped since is told of it', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family });
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    for (let time = 0; time <= 30_000; time += 500) publisher.write(FlvTagType.audio, time, audio(2));
    publisher.flush();
    expect(readFlv(watcher.sink.bytes).reader.header).toEqual({ audio: true, video: true });
    expect(seen(watcher).slice(0, 3).sort()).toEqual(['ah@0', 'v@0#1', 'vh@0']);
  });

  it('the metadata are at 0 where the first frame is not', () => {
    const stream = liveStream(settings({ atc: true }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.script, 5000, encodeAmf0('onMetaData', new AmfEcmaArray([])));
    publisher.write(FlvTagType.audio, 5000, aacHeader());
    publisher.write(FlvTagType.audio, 5000, audio(1));
    publisher.flush();
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.audio, 5060, audio(2));
    publisher.flush();
    expect(seen(watcher)).toEqual(['d@0', 'ah@5060', 'a@5060#2']);
  });

  it('a track with a sequence header and no frame is not announced, but is told when it comes', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    for (let time = 0; time <= 6_000; time += 40) {
      publisher.write(FlvTagType.video, time, video(time, { key: time % 1000 === 0 }));
    }
    publisher.flush();
    const watcher = watch(stream, { family });
    expect(readFlv(watcher.sink.bytes).reader.header).toEqual({ audio: false, video: true });
    expect(seen(watcher).filter((name) => name.startsWith('a'))).toEqual([]);
    publisher.write(FlvTagType.audio, 6_040, audio(7));
    publisher.flush();
    expect(seen(watcher).slice(-2)).toEqual(['ah@40', 'a@40#7']);
  });

  it('the file header goes by what the metadata announces, too', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    const announced = new AmfEcmaArray([
      ['audiocodecid', 10],
      ['videocodecid', 7],
    ]);
    publisher.write(FlvTagType.script, 0, encodeAmf0('onMetaData', announced));
    publisher.write(FlvTagType.audio, 0, audio(1));
    publisher.flush();
    expect(readFlv(watcher.sink.bytes).reader.header).toEqual({ audio: true, video: true });
  });

  it('players of different GOPs all start at 0 with both tracks in step', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watchers: { watcher: Watcher; key: number }[] = [];
    for (let second = 0; second < 4; second += 1) {
      publishSeconds(publisher, second * 1000, second * 1000 + 500);
      watchers.push({ watcher: watch(stream, { family }), key: second * 1000 });
      publishSeconds(publisher, second * 1000 + 500, second * 1000 + 1000);
    }
    for (const { watcher, key } of watchers) {
      const received = media(readFlv(watcher.sink.bytes).tags);
      expect(received[0]).toMatchObject({ kind: FlvTagType.video, number: key, timestamp: 0 });
      for (const { number, timestamp } of received) expect(timestamp).toBe(number - key);
      expect(received).toHaveLength(((4000 - key) / 20) * 1.5);
    }
  });

  it('O011 players of one GOP share buffers', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publishSeconds(publisher, 0, 500);
    const one = watch(stream, { family });
    publishSeconds(publisher, 500, 800);
    const two = watch(stream, { family });
    publishSeconds(publisher, 800, 1500);
    expect(two.sink.writes.slice(-20)).toEqual(one.sink.writes.slice(-20));
    one.sink.writes.slice(-20).forEach((bytes, at) => {
      expect(two.sink.writes.slice(-20)[at]).toBe(bytes);
    });
  });

  it('groups of old GOPs keep no new GOP that nobody can join with', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const size = 5000;
    for (let second = 0; second < 20; second += 1) {
      publishSeconds(publisher, second * 1000, second * 1000 + 500, size);
      watch(stream, { family });
      publishSeconds(publisher, second * 1000 + 500, second * 1000 + 1000, size);
    }
    const gopBytes = 25 * size + 50 * 40;
    expect(stream.players).toBe(20);
    expect(stream.heldBytes).toBeLessThan(gopBytes * 3);
  });

  it('P018 atc: absolute times, one group for all, extended timestamps and all', () => {
    const stream = liveStream(settings({ atc: true }));
    const publisher = publishTo(stream);
    const start = 0xffffff - 500;
    publisher.write(FlvTagType.video, 0, avcHeader());
    const names: string[] = [];
    for (let at = 0; at < 30; at += 1) {
      publisher.write(FlvTagType.video, start + at * 40, video(at, { key: at % 10 === 0 }));
      publisher.flush();
      names.push(`v@${start + at * 40}#${at}`);
    }
    const watcher = watch(stream, { family });
    expect(seen(watcher)).toEqual([`vh@${start + 800}`, ...names.slice(20)]);
  });

  it('a laggard that is dropped forward gets sequence headers again, and no second file header', () => {
    const stream = liveStream(settings({ queueLengthMs: 2000 }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publishSeconds(publisher, 0, 500);
    const slow = watch(stream, { family });
    slow.sink.blocked = true;
    publishSeconds(publisher, 500, 8000);
    drain(slow);
    publishSeconds(publisher, 8000, 8100);
    const names = seen(slow);
    expect(names.filter((name) => name.startsWith('vh'))).toHaveLength(2);
    expect(slow.drops.length).toBeGreaterThan(0);
    const received = media(readFlv(slow.sink.bytes).tags);
    for (const { number, timestamp } of received) expect(timestamp).toBe(number);
    expect(received.at(-1)?.number).toBe(8080);
  });
});

describe('framings', () => {
  it.each(framings)('%s: any lengths come back', (_, framing, unwrap) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(300), fc.nat(70_000)), { minLength: 1, maxLength: 6 }),
        (lengths) => {
          const bodies = lengths.map((length, at) => Buffer.alloc(length + 1, at + 1));
          const wrapped = bodies.flatMap((body) => [framing.prefix(body.length), body, framing.suffix]);
          expect(Buffer.compare(unwrap(Buffer.concat(wrapped)).body, Buffer.concat(bodies))).toBe(0);
        },
      ),
    );
  });
});
