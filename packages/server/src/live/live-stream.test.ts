import { FlvTagType } from '@sluice/media/flv';
import { AmfEcmaArray, AmfObject, type AmfValue, decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import { describe, expect, it } from 'vitest';

import { rtmpFamily } from '../remux/index.ts';
import {
  aacHeader,
  audio,
  avcHeader,
  brief,
  liveStream,
  publishTo,
  readRtmp,
  settings,
  video,
  watch,
  type Watcher,
} from '../remux/test-kit.ts';

const CHUNK_SIZE = 60_000;
const family = rtmpFamily(CHUNK_SIZE, { audio: true, video: true });

function seen({ sink }: Watcher): string[] {
  return brief(readRtmp(sink.bytes, CHUNK_SIZE));
}

function metadata(properties: Record<string, AmfValue>): Uint8Array {
  return encodeAmf0('@setDataFrame', 'onMetaData', new AmfEcmaArray(Object.entries(properties)));
}

/** Without the one of video that came without a sequence header, as it does here for brevity. */
function odd(warnings: readonly string[]): readonly string[] {
  return warnings.filter((warning) => !warning.includes('without its sequence header'));
}

describe('LiveStream: what a publisher says', () => {
  it('P009 a late player gets metadata, audio header, video header and the GOP', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.script, 0, metadata({ width: 1280 }));
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.audio, 10, audio(2));
    publisher.flush();
    expect(seen(watch(stream, { family }))).toEqual(['d@0', 'ah@0', 'vh@0', 'v@0#1', 'a@10#2']);
  });

  it('P008 adds the server to the metadata, takes duration off, and passes onTextData', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.script, 0, metadata({ duration: 9, width: 640 }));
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.script, 0, encodeAmf0('onTextData', new AmfObject([['text', 'hi']])));
    publisher.flush();
    const data = readRtmp(watcher.sink.bytes, CHUNK_SIZE).filter(({ kind }) => kind === FlvTagType.script);
    expect(data).toHaveLength(2);
    const [name, properties] = decodeAmf0(data[0]?.body ?? new Uint8Array(0));
    expect(name).toBe('onMetaData');
    expect([...(properties as AmfEcmaArray)]).toEqual([
      ['width', 640],
      ['server', 'Test/1'],
    ]);
    expect(decodeAmf0(data[1]?.body ?? new Uint8Array(0))[0]).toBe('onTextData');
    expect(odd(publisher.warnings)).toEqual([]);
  });

  it('P008 lying AMF is dropped with one warning, and the stream goes on', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    const lying = Uint8Array.from([...encodeAmf0('onMetaData'), 0x0a, 0xff, 0xff, 0xff, 0xff]);
    publisher.write(FlvTagType.script, 0, lying);
    publisher.write(FlvTagType.script, 0, lying);
    publisher.write(FlvTagType.script, 0, encodeAmf0(5));
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    expect(odd(publisher.warnings)).toHaveLength(1);
    expect(publisher.warnings[0]).toContain('bad data message');
    expect(seen(watcher)).toEqual(['v@0#1']);
  });

  it('P008 a data message that grows past what FLV can say is dropped', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    // Bytes that are no UTF-8 are written anew as three bytes each.
    const text = new Uint8Array(6_000_000).fill(0xff);
    const head = Uint8Array.of(0x0c, 0, text.length >> 16, (text.length >> 8) & 0xff, text.length & 0xff);
    publisher.write(FlvTagType.script, 0, Buffer.concat([encodeAmf0('onTextData'), head, text]));
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    expect(odd(publisher.warnings)).toHaveLength(1);
    expect(seen(watcher)).toEqual(['v@0#1']);
  });

  it('P011 bad headers and empty bodies are dropped with one warning of each kind', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    for (const body of [[], [0x10], [0x1f, 1], [0x17], [0xf1, 0x61, 0x76, 0x30, 0x31]]) {
      publisher.write(FlvTagType.video, 20, Uint8Array.from(body));
    }
    publisher.write(FlvTagType.audio, 20, new Uint8Array(0));
    publisher.write(FlvTagType.audio, 20, Uint8Array.of(0xaf));
    publisher.write(FlvTagType.video, 40, video(2));
    publisher.flush();
    expect(seen(watcher)).toEqual(['v@0#1', 'v@40#2']);
    expect(odd(publisher.warnings).map((warning) => warning.split(',')[0])).toEqual([
      'bad video header',
      'bad audio header',
    ]);
  });

  it.each([
    ['VP6 and MP3', 'vp6', 'mp3'],
    ['H.263 and Speex', 'h263', 'speex'],
    ['H.263 and Nellymoser', 'h263', 'nellymoser'],
    ['HEVC and AAC', 'hevc', 'aac'],
  ] as const)('P010 %s pass through untouched', (_, videoCodec, audioCodec) => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    const bodies = [
      video(1, { key: true, codec: videoCodec }),
      audio(2, { codec: audioCodec }),
      video(3, { codec: videoCodec }),
      audio(4, { codec: audioCodec }),
    ];
    bodies.forEach((body, at) => {
      publisher.write(at % 2 === 0 ? FlvTagType.video : FlvTagType.audio, at * 20, body);
    });
    publisher.flush();
    for (const messages of [watcher, watch(stream, { family })].map(({ sink }) =>
      readRtmp(sink.bytes, CHUNK_SIZE),
    )) {
      expect(messages.map(({ body }) => Buffer.from(body))).toEqual(bodies.map((body) => Buffer.from(body)));
    }
    expect(stream.video).toEqual({ codec: videoCodec });
    expect(stream.audio?.codec).toBe(audioCodec);
  });

  it('P012 an SPS that lies costs its facts and a warning, nothing else', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    const lying = avcHeader();
    lying.fill(0xff, 14);
    publisher.write(FlvTagType.video, 0, lying);
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    expect(odd(publisher.warnings)).toHaveLength(1);
    expect(publisher.warnings[0]).toContain('bad video sequence header');
    expect(stream.video).toEqual({ codec: 'h264' });
    expect(seen(watcher)).toEqual(['vh@0', 'v@0#1']);
  });

  it('P012 facts come from the sequence headers and go with the publisher', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    expect(stream.video).toMatchObject({ codec: 'h264', width: 1280, height: 720 });
    expect(stream.audio).toMatchObject({ codec: 'aac', sampleRate: 44100 });
    expect(stream.videoFrames).toBe(2);
    expect(stream.publishedAt).toBeGreaterThan(0);
    publisher.end();
    expect(stream).toMatchObject({
      video: undefined,
      audio: undefined,
      publisherId: undefined,
      publishedAt: 0,
    });
  });

  it('P015 a command frame is passed on and makes no fact', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, Uint8Array.of(0xd0, 0));
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    expect(seen(watcher)).toEqual(['vh@0', 'v@0#1']);
    expect(stream.video).toEqual({ codec: 'h264' });
  });

  it('a sequence header after frames reaches who is there and who joins', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const early = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.video, 40, video(2));
    publisher.write(FlvTagType.video, 80, avcHeader());
    publisher.write(FlvTagType.video, 80, video(3));
    publisher.flush();
    expect(seen(early).filter((name) => !name.startsWith('vh'))).toEqual(['v@0#1', 'v@40#2', 'v@80#3']);
    expect(seen(early)).toContain('vh@40');
    expect(seen(watch(stream, { family }))[0]).toBe('vh@0');
  });

  it('a player that begins in front of another configuration is told the one that holds there', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family });
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.video, 40, avcHeader(1));
    publisher.write(FlvTagType.video, 80, video(2, { key: true }));
    publisher.flush();
    const videos = readRtmp(watcher.sink.bytes, CHUNK_SIZE).filter(({ kind }) => kind === FlvTagType.video);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(videos.map(({ body, number }) => (number < 0 ? hex(body) : number))).toEqual([
      ...[hex(avcHeader()), 1],
      ...[hex(avcHeader(1)), 2],
    ]);
  });

  it('nobody joins with frames of another configuration than the one it is told', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.video, 40, avcHeader(1));
    publisher.flush();
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 80, video(2, { key: true }));
    publisher.flush();
    const messages = readRtmp(watcher.sink.bytes, CHUNK_SIZE);
    expect(brief(messages)).toEqual(['vh@0', 'v@0#2']);
    expect(Buffer.from(messages[0]?.body ?? [])).toEqual(Buffer.from(avcHeader(1)));
  });

  it.each([
    [false, 3],
    [true, 2],
  ])('P020 reduce_sequence_header %s', (reduceSequenceHeader, expected) => {
    const stream = liveStream(settings({ reduceSequenceHeader }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.flush();
    publisher.write(FlvTagType.video, 40, avcHeader());
    publisher.write(FlvTagType.video, 40, video(2, { key: true }));
    publisher.flush();
    publisher.write(FlvTagType.video, 80, avcHeader(1));
    publisher.write(FlvTagType.video, 80, video(3, { key: true }));
    publisher.flush();
    expect(seen(watcher).filter((name) => name.startsWith('vh'))).toHaveLength(expected);
  });

  it('a repeated sequence header does not step back behind the other track', () => {
    const stream = liveStream();
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.audio, 0, audio(2));
    publisher.write(FlvTagType.audio, 60, audio(3));
    publisher.write(FlvTagType.video, 40, avcHeader());
    publisher.write(FlvTagType.video, 40, video(4, { key: true }));
    publisher.flush();
    const times = readRtmp(watcher.sink.bytes, CHUNK_SIZE)
      .filter(({ kind }) => kind === FlvTagType.video)
      .map(({ timestamp }) => timestamp);
    expect(times).toEqual([0, 0, 0, 40]);
  });
});

describe('LiveStream: times', () => {
  it.each([
    ['full', [0, 40, 80]],
    ['zero', [0, 40, 7_200_000]],
    ['off', [1000, 1040, 7_201_000]],
  ] as const)('P016 time_jitter %s', (timeJitter, expected) => {
    const stream = liveStream(settings({ timeJitter }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    [1000, 1040, 7_201_000].forEach((time, at) => {
      publisher.write(FlvTagType.video, time, video(at, { key: at === 0 }));
    });
    publisher.flush();
    const times = readRtmp(watcher.sink.bytes, CHUNK_SIZE).map(({ timestamp }) => timestamp);
    expect(times).toEqual(expected);
  });

  it('P017 mix_correct sorts what players get and keeps headers in their place', () => {
    const stream = liveStream(settings({ mixCorrect: true }));
    const publisher = publishTo(stream);
    const watcher = watch(stream, { family });
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.write(FlvTagType.video, 0, video(1, { key: true }));
    publisher.write(FlvTagType.video, 40, video(2));
    publisher.write(FlvTagType.video, 80, video(3));
    publisher.write(FlvTagType.audio, 0, audio(4));
    publisher.write(FlvTagType.video, 120, avcHeader(1));
    publisher.write(FlvTagType.audio, 20, audio(5));
    publisher.write(FlvTagType.audio, 50, audio(6));
    publisher.write(FlvTagType.video, 120, video(7, { key: true }));
    publisher.flush();
    publisher.end();
    const names = seen(watcher);
    const media = names.filter((name) => !name.includes('h'));
    expect(media).toEqual(['v@0#1', 'a@0#4', 'a@20#5', 'v@40#2', 'a@50#6', 'v@80#3', 'v@120#7']);
    expect(names.lastIndexOf('vh@80')).toBeGreaterThan(names.indexOf('v@80#3'));
    expect(names.lastIndexOf('vh@80')).toBeLessThan(names.indexOf('v@120#7'));
  });

  it('P018 atc keeps absolute times, and sequence headers take the time of the first cached message', () => {
    const stream = liveStream(settings({ atc: true }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.video, 0, avcHeader());
    publisher.write(FlvTagType.audio, 0, aacHeader());
    publisher.write(FlvTagType.video, 5_000_000, video(1, { key: true }));
    publisher.write(FlvTagType.audio, 5_000_010, audio(2));
    publisher.write(FlvTagType.video, 9_000_000, video(3));
    publisher.flush();
    expect(seen(watch(stream, { family }))).toEqual([
      'ah@5000000',
      'vh@5000000',
      'v@5000000#1',
      'a@5000010#2',
      'v@9000000#3',
    ]);
  });

  it.each([
    ['"true"', true, 'true', 5_000_000],
    ['true', true, true, 5_000_000],
    ['"false"', true, 'false', 0],
    ['"true" with atc_auto off', false, 'true', 0],
  ] as const)('P018 bravo_atc = %s', (_, atcAuto, value, expected) => {
    const stream = liveStream(settings({ atcAuto }));
    const publisher = publishTo(stream);
    publisher.write(FlvTagType.script, 0, metadata({ bravo_atc: value }));
    publisher.write(FlvTagType.video, 5_000_000, video(1, { key: true }));
    publisher.flush();
    expect(seen(watch(stream, { family })).at(-1)).toBe(`v@${expected}#1`);
    publisher.end();
    // The next publisher has to say it again.
    const next = publishTo(stream);
    next.write(FlvTagType.video, 5_000_000, video(2, { key: true }));
    next.flush();
    expect(seen(watch(stream, { family })).at(-1)).toBe('v@0#2');
  });
});

describe('LiveStream: publishers one after another', () => {
  it('P005 takeover goes on with the same players, and nothing more of the first publisher', () => {
    const stream = liveStream(settings({}, { publish: { conflict: 'takeover' } }));
    const first = publishTo(stream, 'first');
    const watcher = watch(stream, { family, endsWithPublisher: 'always' });
    first.write(FlvTagType.video, 0, video(1, { key: true }));
    first.flush();
    const second = publishTo(stream, 'second');
    first.write(FlvTagType.video, 40, video(2));
    first.flush();
    first.end();
    second.write(FlvTagType.video, 70_000, video(3, { key: true }));
    second.flush();
    expect(watcher.ends).toEqual([]);
    expect(seen(watcher)).toEqual(['v@0#1', 'v@40#3']);
  });

  it('O003 a player that waits stays when the publisher goes, and times go on with the next one', () => {
    const stream = liveStream();
    const watcher = watch(stream, { family });
    const first = publishTo(stream);
    first.write(FlvTagType.video, 100, video(1, { key: true }));
    first.write(FlvTagType.audio, 105, audio(2));
    first.flush();
    first.end();
    first.end();
    const second = publishTo(stream);
    second.write(FlvTagType.video, 0, avcHeader(1));
    second.write(FlvTagType.video, 0, video(3, { key: true }));
    second.write(FlvTagType.audio, 10, audio(4));
    second.flush();
    expect(watcher.ends).toEqual([]);
    expect(seen(watcher)).toEqual(['v@0#1', 'a@5#2', 'vh@5', 'v@45#3', 'a@55#4']);
  });

  it('O004 the GOP cache, headers and metadata are gone with the publisher', () => {
    const stream = liveStream();
    const first = publishTo(stream);
    first.write(FlvTagType.script, 0, metadata({ width: 1 }));
    first.write(FlvTagType.video, 0, avcHeader());
    first.write(FlvTagType.video, 0, video(1, { key: true }));
    first.flush();
    first.end();
    expect(stream.heldBytes).toBe(0);
    const between = watch(stream, { family });
    publishTo(stream);
    const after = watch(stream, { family });
    expect([between.sink.writes, after.sink.writes]).toEqual([[], []]);
  });

  it('G004 the source of players is the present publisher, or else the last', () => {
    const stream = liveStream();
    watch(stream, { family });
    expect(stream.sourceId).toBeUndefined();
    const first = publishTo(stream, 'first');
    first.end();
    expect([stream.publisherId, stream.sourceId]).toEqual([undefined, 'first']);
    publishTo(stream, 'second');
    expect(stream.sourceId).toBe('second');
  });

  it('a sink that fails when its publisher goes is told of to that publisher, and to nobody else', () => {
    const stream = liveStream(settings({}, { publish: { conflict: 'takeover' } }));
    const first = publishTo(stream, 'first');
    stream.subscribe({
      write: () => undefined,
      end: () => {
        throw new Error('no end');
      },
    });
    const second = publishTo(stream, 'second');
    expect(first.warnings).toEqual([expect.stringMatching(/^a subscriber failed at its end: Error: no end/)]);
    expect(second.warnings).toEqual([]);
  });
});
