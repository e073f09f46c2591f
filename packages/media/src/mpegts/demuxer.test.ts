import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ADTS_HEADER_BYTES, buildAdtsHeader, buildAudioSpecificConfig } from '../aac/index.ts';
import { buildLengthPrefixed } from '../avc/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { writeSectionPacket } from './packets.ts';
import {
  buildPat,
  buildPmt,
  TS_CLOCK_WRAP,
  type TsAudioEvent,
  type TsAudioUnit,
  TsDemuxer,
  type TsDemuxerCounters,
  type TsDemuxerLimits,
  type TsEvent,
  TsMuxer,
  type TsVideoEvent,
  type TsVideoUnit,
} from './index.ts';

const ONLY = { current: true, sectionNumber: 0, lastSectionNumber: 0 } as const;
const NO_BYTES = new Uint8Array(0);
const SPS = hexToBytes('6764000cacd944');
const PPS = hexToBytes('68ebe3cb22c0');

interface Demuxed {
  events: TsEvent[];
  video: TsVideoEvent[];
  audio: TsAudioEvent[];
  /** The counters that are not 0, packets left out. */
  losses: Partial<TsDemuxerCounters>;
  packets: number;
}

function demux(bytes: Uint8Array, size = bytes.length, limits?: Partial<TsDemuxerLimits>): Demuxed {
  const demuxer = new TsDemuxer(limits);
  const events: TsEvent[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) {
    events.push(...demuxer.write(bytes.subarray(offset, offset + size)));
  }
  events.push(...demuxer.end());
  const { packets, ...losses } = demuxer.counters;
  return {
    events,
    video: events.filter((event) => event.kind === 'video'),
    audio: events.filter((event) => event.kind === 'audio'),
    losses: Object.fromEntries(Object.entries(losses).filter(([, count]) => count > 0)),
    packets,
  };
}

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./testdata/${name}.mpegts`, import.meta.url)));
}

/** The bytes of a stream of our own, and the packets in it. */
class Stream {
  readonly muxer: TsMuxer;
  readonly parts: Uint8Array[] = [];

  constructor(muxer = new TsMuxer({ video: 'h264', audio: 'aac' })) {
    this.muxer = muxer;
  }

  tables(): this {
    return this.add(this.muxer.tablesSize(), (target) => this.muxer.writeTables(target, 0));
  }

  video(number: number, bytes = 300, over: Partial<TsVideoUnit> = {}): this {
    const unit: TsVideoUnit = {
      dts: 1000 + 40 * number,
      pts: 1000 + 40 * number,
      keyframe: number % 5 === 0,
      data: buildLengthPrefixed([picture(number, bytes)]),
      nalLengthSize: 4,
      parameterSets: [SPS, PPS],
      ...over,
    };
    return this.add(this.muxer.videoSize(unit), (target) => this.muxer.writeVideo(target, 0, unit));
  }

  audio(number: number, bytes = 100): this {
    const unit: TsAudioUnit = { pts: 1000 + 40 * number, pcr: false, pieces: adts(number, bytes) };
    return this.add(this.muxer.audioSize(unit), (target) => this.muxer.writeAudio(target, 0, unit));
  }

  add(size: number, write: (target: Uint8Array) => number): this {
    const target = new Uint8Array(size);
    write(target);
    this.parts.push(target);
    return this;
  }

  packets(): Uint8Array[] {
    const bytes = this.bytes();
    return Array.from({ length: bytes.length / 188 }, (_, index) =>
      bytes.subarray(index * 188, index * 188 + 188),
    );
  }

  bytes(): Uint8Array {
    return concatBytes(this.parts);
  }
}

/** A NAL unit that looks like a picture, and says which one. */
function picture(number: number, bytes: number): Uint8Array {
  const unit = new Uint8Array(bytes).fill(0x80 + (number % 64));
  unit[0] = number % 5 === 0 ? 0x65 : 0x41;
  return unit;
}

function adts(number: number, bytes: number): Uint8Array[] {
  return [
    buildAdtsHeader({ sampleRate: 44_100, channelConfiguration: 2, payloadLength: bytes }),
    new Uint8Array(bytes).fill(number),
  ];
}

/** Tables, and pictures and sound of this many numbers. */
function sample(count = 12, pictureBytes = 300): Stream {
  const stream = new Stream();
  for (let number = 0; number < count; number++) {
    if (number % 5 === 0) stream.tables();
    stream.video(number, pictureBytes).audio(number);
  }
  return stream;
}

/** Which pictures came out, by their number. */
function numbersOf(video: readonly TsVideoEvent[]): number[] {
  return video.map((event) => Math.round((event.dts / 90 - 1000) / 40));
}

describe('streams of FFmpeg', () => {
  it.each([
    [
      'h264-aac',
      [
        [0x100, 0x1b, 'h264'],
        [0x101, 0x0f, 'aac'],
      ],
      {
        pictures: 10,
        keys: [0, 5],
        dts: 126_000,
        pts: 133_200,
        frames: 19,
        audioPts: 131_110,
        config: '1210',
      },
    ],
    [
      'hevc-mp3',
      [
        [0x100, 0x24, 'hevc'],
        [0x101, 0x03, 'mp3'],
      ],
      {
        pictures: 10,
        keys: [0, 5],
        dts: 128_255,
        pts: 128_255,
        frames: 17,
        audioPts: 126_000,
        config: undefined,
      },
    ],
    [
      'latm',
      [[0x100, 0x11, 'aac']],
      {
        pictures: 0,
        keys: [],
        dts: undefined,
        pts: undefined,
        frames: 19,
        audioPts: 126_000,
        config: '1210',
      },
    ],
  ])('%s', (name, streams, wanted) => {
    const bytes = read(name);
    const whole = demux(bytes);
    const { events, video, audio, losses, packets } = whole;
    expect(losses).toEqual({});
    expect(packets).toBe(bytes.length / 188);
    expect(events[0]).toMatchObject({ kind: 'program', programNumber: 1, pcrPid: 0x100 });
    const [program] = events.filter((event) => event.kind === 'program');
    expect(program?.streams.map((stream) => [stream.pid, stream.streamType, stream.codec])).toEqual(streams);
    const keys = video.flatMap((event, index) => (event.keyframe ? [index] : []));
    const config = audio[0]?.config;
    expect({
      pictures: video.length,
      keys,
      dts: video[0]?.dts,
      pts: video[0]?.pts,
      frames: audio.length,
      audioPts: audio[0]?.pts,
      config: config === undefined ? undefined : bytesToHex(config),
    }).toEqual(wanted);
    video.slice(1).forEach((event, index) => {
      expect(event.dts - (video[index]?.dts ?? 0)).toBe(3600);
    });
    audio.slice(1).forEach((event, index) => {
      const step = event.pts - (audio[index]?.pts ?? 0);
      // 1024 or 1152 samples of 44100 Hz, told to the tick by a header now and then.
      expect(Math.abs(step - (name === 'hevc-mp3' ? 2351 : 2090))).toBeLessThanOrEqual(5);
    });
    for (const size of [1, 7, 187, 188, 189, 1000]) expect(demux(bytes, size)).toEqual(whole);
  });

  it('parameter sets and pictures are told apart', () => {
    const first = demux(read('h264-aac')).video[0];
    expect(first?.parameterSets.map((unit) => (unit[0] ?? 0) & 0x1f)).toEqual([7, 8]);
    expect(first?.nalUnits.map((unit) => (unit[0] ?? 0) & 0x1f)).toEqual([6, 5]);
    const hevc = demux(read('hevc-mp3')).video[0];
    expect(hevc?.parameterSets.map((unit) => ((unit[0] ?? 0) >> 1) & 0x3f)).toEqual([32, 33, 34]);
  });

  it.each(['h264-aac', 'hevc-mp3', 'latm'])('%s goes through our muxer and comes out the same', (name) => {
    const before = demux(read(name));
    const videoCodec = before.video[0]?.codec;
    const muxer = new TsMuxer({ video: videoCodec, audio: before.audio[0]?.codec });
    const stream = new Stream(muxer).tables();
    for (const event of before.events) {
      if (event.kind === 'video') {
        stream.video(0, 0, {
          ...{ dts: event.dts / 90, pts: event.pts / 90, keyframe: event.keyframe },
          data: buildLengthPrefixed(event.nalUnits),
          parameterSets: event.parameterSets,
        });
      } else if (event.kind === 'audio') {
        const header = buildAdtsHeader({
          ...{ sampleRate: 44_100, channelConfiguration: 2, payloadLength: event.data.length },
        });
        const pieces = event.codec === 'aac' ? [header, event.data] : [event.data];
        const unit = { pts: event.pts / 90, pcr: videoCodec === undefined, pieces };
        stream.add(muxer.audioSize(unit), (target) => muxer.writeAudio(target, 0, unit));
      }
    }
    const after = demux(stream.bytes());
    expect(after.losses).toEqual({});
    expect(after.video.map((event) => ({ ...event, stream: undefined }))).toEqual(
      before.video.map((event) => ({ ...event, stream: undefined })),
    );
    expect(after.audio.map((event) => ({ ...event, stream: undefined }))).toEqual(
      before.audio.map((event) => ({ ...event, stream: undefined })),
    );
  });
});

describe('what our muxer wrote', () => {
  it('comes out as it went in, however it is cut', () => {
    const bytes = sample().bytes();
    const whole = demux(bytes);
    expect(whole.losses).toEqual({});
    expect(numbersOf(whole.video)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    whole.video.forEach((event, number) => {
      expect(event.nalUnits.map(bytesToHex)).toEqual([bytesToHex(picture(number, 300))]);
      expect(event.parameterSets.map(bytesToHex)).toEqual(number % 5 === 0 ? [SPS, PPS].map(bytesToHex) : []);
      expect([event.keyframe, event.discontinuity]).toEqual([number % 5 === 0, false]);
    });
    whole.audio.forEach((event, number) => {
      expect(bytesToHex(event.data)).toBe(bytesToHex(new Uint8Array(100).fill(number)));
      expect(event.pts).toBe(90_000 + 3600 * number);
      expect(event.config).toBe(whole.audio[0]?.config);
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (size) => {
        expect(demux(bytes, size)).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('pictures of any size, in any times', () => {
    const picture = fc.record({
      size: fc.integer({ min: 2, max: 3000 }),
      step: fc.integer({ min: 0, max: 5000 }),
      shown: fc.integer({ min: 0, max: 1000 }),
    });
    const start = fc.nat(2 ** 40);
    fc.assert(
      fc.property(start, fc.array(picture, { minLength: 1, maxLength: 10 }), (first, pictures) => {
        const stream = new Stream().tables();
        let dts = first;
        const wanted = pictures.map(({ size, step, shown }, number) => {
          dts += step;
          stream.video(number, size, { dts, pts: dts + shown });
          return [size, (dts - first) * 90, shown * 90];
        });
        const { video, losses } = demux(stream.bytes());
        expect(losses).toEqual({});
        const zero = (video[0]?.dts ?? 0) - (wanted[0]?.[1] ?? 0);
        expect(video.map(({ nalUnits, dts, pts }) => [nalUnits[0]?.length, dts - zero, pts - dts])).toEqual(
          wanted,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('memory of the caller may be used again, and events are nobody else’s', () => {
    const bytes = sample().bytes();
    const wanted = demux(bytes);
    const demuxer = new TsDemuxer();
    const memory = new Uint8Array(1000);
    const events: TsEvent[] = [];
    for (let offset = 0; offset < bytes.length; offset += 1000) {
      const piece = bytes.subarray(offset, offset + 1000);
      memory.set(piece);
      events.push(...demuxer.write(memory.subarray(0, piece.length)));
      memory.fill(0xff);
    }
    events.push(...demuxer.end());
    expect(events).toEqual(wanted.events);
  });

  it('33 bits wrap and the times go on', () => {
    const wrapMs = TS_CLOCK_WRAP / 90;
    const stream = new Stream().tables();
    for (let number = 0; number < 10; number++) {
      const dts = Math.floor(wrapMs) - 200 + 40 * number;
      stream.video(number, 50, { dts, pts: dts + 80 });
    }
    const { video } = demux(stream.bytes());
    const first = video[0]?.dts ?? 0;
    expect(video.map((event) => event.dts - first)).toEqual(video.map((_, index) => 3600 * index));
    expect(video.map((event) => event.pts - event.dts)).toEqual(video.map(() => 7200));
    expect(video.at(-1)?.dts).toBeGreaterThan(TS_CLOCK_WRAP);
  });
});

describe('finding packets', () => {
  const plain = sample().bytes();
  const wanted = demux(plain).events;

  function framed(before: number, after: number, bytes = plain): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; offset += 188) {
      parts.push(new Uint8Array(before), bytes.subarray(offset, offset + 188), new Uint8Array(after));
    }
    return concatBytes(parts);
  }

  it.each([
    ['188', plain, 188, {}],
    ['192 (M2TS)', framed(4, 0), 192, { skippedBytes: 4 }],
    ['204 (Reed-Solomon)', framed(0, 16), 204, {}],
  ])('packets of %s bytes', (_, bytes, packetBytes, losses) => {
    for (const size of [1, 7, 188, 204, 1000, bytes.length]) {
      const result = demux(bytes, size);
      expect(result.events).toEqual(wanted);
      expect(result.losses).toEqual(losses);
    }
    const demuxer = new TsDemuxer();
    expect(demuxer.packetBytes).toBeUndefined();
    demuxer.write(bytes);
    expect(demuxer.packetBytes).toBe(packetBytes);
  });

  it('bytes in front of the first packet are passed over', () => {
    for (const length of [1, 187, 188, 500, 3000]) {
      const noise = Uint8Array.from({ length }, (_, index) => (index % 5 === 1 ? 0x47 : index & 0x3f));
      const { events, losses } = demux(concatBytes([noise, plain]), 100);
      expect(events).toEqual(wanted);
      expect(losses).toEqual({ skippedBytes: length });
    }
  });

  it('bytes between packets cost nothing but themselves', () => {
    for (const size of [1, 188, 5000]) {
      const broken = concatBytes([plain.subarray(0, 188 * 7), new Uint8Array(33), plain.subarray(188 * 7)]);
      const { events, losses } = demux(broken, size);
      expect(events).toEqual(wanted);
      expect(losses).toEqual({ syncLosses: 1, skippedBytes: 33 });
    }
  });

  it('a sync byte that is hit costs its packet', () => {
    const broken = sample();
    const packets = broken.packets().map((packet) => packet.slice());
    const hit = packets.findIndex((packet, index) => index > 8 && packet[1] === 0x41 && packet[2] === 0);
    const packet = packets[hit];
    if (packet !== undefined) packet[0] = 0x48;
    const { video, losses } = demux(concatBytes(packets), 1000);
    expect(losses).toMatchObject({ syncLosses: 1, skippedBytes: 188, continuityGaps: 1 });
    expect(video.length).toBe(11);
  });

  it('a few packets are read when the stream ends', () => {
    for (const count of [1, 2, 3, 4]) {
      const { packets, losses } = demux(plain.subarray(0, 188 * count), 10);
      expect([packets, losses.skippedBytes]).toEqual([count, undefined]);
    }
    expect(demux(plain.subarray(0, 187)).packets).toBe(0);
    expect(demux(NO_BYTES).events).toEqual([]);
    expect(demux(framed(0, 16).subarray(0, 204 * 2 + 188)).packets).toBe(3);
    expect(demux(framed(0, 16).subarray(0, 204 * 20 + 188)).packets).toBe(21);
  });

  it('the limit of bytes without packets is kept, and thrown again', () => {
    const limits = { unsyncedBytes: 10_000 };
    for (const size of [1000, 50_000]) {
      const demuxer = new TsDemuxer(limits);
      let written = 0;
      const fails = (): void => {
        for (; written < 50_000; written += size) demuxer.write(new Uint8Array(size));
      };
      expect(fails).toThrow(expect.objectContaining({ name: 'MediaError', code: 'bad-value' }));
      expect(() => demuxer.write(plain)).toThrow(MediaError);
      expect(() => demuxer.end()).toThrow(MediaError);
    }
    expect(demux(concatBytes([new Uint8Array(9000), plain]), 1000, limits).events).toEqual(wanted);
    // What was found in front of it comes first.
    const demuxer = new TsDemuxer(limits);
    expect(demuxer.write(concatBytes([plain, new Uint8Array(50_000)])).length).toBeGreaterThan(5);
    expect(() => demuxer.write(NO_BYTES)).toThrow(MediaError);
  });
});

describe('damage', () => {
  it('a lost packet costs the picture that it is of, and marks the next', () => {
    const packets = sample(12, 1000).packets();
    const inVideo = packets
      .map((packet, index) => ({ packet, index }))
      .filter(({ packet }) => isVideo(packet));
    for (const { index } of inVideo) {
      const { video, audio, losses } = demux(
        concatBytes(packets.filter((_, other) => other !== index)),
        1000,
      );
      const last = inVideo.at(-1)?.index === index || inVideo.at(0)?.index === index;
      const numbers = numbersOf(video);
      expect(numbers.length).toBe(11);
      expect(audio.length).toBe(12);
      if (last) continue;
      expect(losses.continuityGaps).toBe(1);
      const missing = Array.from({ length: 12 }, (_, number) => number).find(
        (number) => !numbers.includes(number),
      );
      const marked = video.filter((event) => event.discontinuity);
      if (missing !== 11) expect(numbersOf(marked)).toEqual([(missing ?? 0) + 1]);
    }
  });

  it('a packet sent twice counts once', () => {
    const packets = sample().packets();
    const wanted = demux(concatBytes(packets)).events;
    const twice = packets.flatMap((packet) => [packet, packet]);
    const { events, losses } = demux(concatBytes(twice));
    expect(events).toEqual(wanted);
    expect(losses).toEqual({ duplicatePackets: packets.length });
  });

  it('packets that are marked as wrong, scrambled, or whose adaptation field leads out are not used', () => {
    const edits: [keyof TsDemuxerCounters, (packet: Uint8Array) => void][] = [
      ['transportErrors', (packet) => (packet[1] = (packet[1] ?? 0) | 0x80)],
      ['scrambledPackets', (packet) => (packet[3] = (packet[3] ?? 0) | 0x80)],
      ['malformedPackets', (packet) => packet.set([(packet[3] ?? 0) | 0x30, 184], 3)],
    ];
    for (const [counter, edit] of edits) {
      const packets = sample(12, 1000).packets();
      const middle = packets.findIndex((packet, index) => index > 20 && isVideo(packet) && packet[1] === 1);
      const packet = packets[middle];
      if (packet !== undefined) edit(packet);
      const { video, losses } = demux(concatBytes(packets));
      expect(losses[counter]).toBe(1);
      expect(video.length).toBe(11);
      expect(video.filter((event) => event.discontinuity).length).toBe(1);
    }
  });

  it('discontinuity_indicator announces a jump of the counter', () => {
    const stream = sample(2);
    const other = new Stream().video(7, 300).video(8, 300).bytes();
    other[5] = (other[5] ?? 0) | 0x80;
    const { video, losses } = demux(concatBytes([stream.bytes(), other]));
    expect(losses).toEqual({});
    expect(numbersOf(video)).toEqual([0, 1, 7, 8]);
  });

  it('a packet without payload, and null packets, are no gap', () => {
    const packets = sample().packets();
    const wanted = demux(concatBytes(packets)).events;
    const clockOnly = new Uint8Array(188).fill(0xff);
    clockOnly.set(hexToBytes('47010025b71000000000fe00'));
    const nothing = new Uint8Array(188).fill(0xff);
    nothing.set(hexToBytes('471fff10'));
    const { events, losses } = demux(concatBytes(packets.flatMap((packet) => [clockOnly, packet, nothing])));
    expect(events).toEqual(wanted);
    expect(losses).toEqual({});
  });

  it('a stream that is cut loses only what is cut', () => {
    const stream = sample(12, 1000);
    const bytes = stream.bytes();
    for (let length = 0; length < bytes.length; length += 97) {
      const { video, audio } = demux(bytes.subarray(0, length));
      expect(numbersOf(video)).toEqual(video.map((_, number) => number));
      expect(video.every((event) => event.nalUnits[0]?.length === 1000)).toBe(true);
      expect(audio.every((event) => event.data.length === 100)).toBe(true);
    }
  });

  it('wrong PES headers cost their packet', () => {
    const packets = sample().packets();
    const starts = packets.filter((packet) => isVideo(packet) && packet[1] === 0x41);
    const field = starts[3]?.[4] ?? 0;
    starts[3]?.set([9, 9, 9], 5 + field);
    const { video, losses } = demux(concatBytes(packets));
    expect(losses).toEqual({ damagedPes: 1 });
    expect(numbersOf(video)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(numbersOf(video.filter((event) => event.discontinuity))).toEqual([4]);
  });

  it('any damage is survived, and what is held stays small', () => {
    const seeds = ['h264-aac', 'hevc-mp3', 'latm'].map(read);
    const edit = fc.record({
      kind: fc.constantFrom('set', 'remove', 'repeat', 'insert'),
      at: fc.nat(),
      value: fc.nat(255),
      length: fc.integer({ min: 1, max: 400 }),
    });
    const edits = fc.array(edit, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(2), edits, fc.integer({ min: 1, max: 3000 }), (seed, changes, size) => {
        let bytes: Uint8Array = (seeds[seed] ?? NO_BYTES).slice();
        for (const { kind, at, value, length } of changes) {
          const from = at % (bytes.length || 1);
          const piece = bytes.subarray(from, from + length);
          if (kind === 'set') bytes[from] = value;
          else if (kind === 'remove')
            bytes = concatBytes([bytes.subarray(0, from), bytes.subarray(from + length)]);
          else if (kind === 'repeat')
            bytes = concatBytes([bytes.subarray(0, from), piece, bytes.subarray(from)]);
          else
            bytes = concatBytes([
              bytes.subarray(0, from),
              new Uint8Array(length).fill(value),
              bytes.subarray(from),
            ]);
        }
        const { events, packets } = demux(bytes, size);
        expect(packets).toBeLessThanOrEqual(Math.ceil(bytes.length / 188));
        let held = 0;
        for (const event of events) {
          if (event.kind === 'video') for (const unit of event.nalUnits) held += unit.length;
          if (event.kind === 'audio') held += event.data.length;
          if (event.kind !== 'program') expect(Number.isSafeInteger(event.pts)).toBe(true);
        }
        expect(held).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe('PAT and PMT', () => {
  function section(pid: number, counter: number, bytes: Uint8Array): Uint8Array {
    const packet = new Uint8Array(188);
    writeSectionPacket(packet, 0, pid, counter, bytes);
    return packet;
  }

  function pat(programs: readonly [number, number][], version = 0, over = {}): Uint8Array {
    const list = programs.map(([programNumber, pid]) => ({ programNumber, pid }));
    return buildPat({ transportStreamId: 1, version, ...ONLY, ...over, programs: list });
  }

  function pmt(
    programNumber: number,
    streams: readonly [number, number][],
    version = 0,
    over = {},
  ): Uint8Array {
    return buildPmt({
      ...{ programNumber, version, ...ONLY, ...over },
      ...{ pcrPid: streams[0]?.[1] ?? 0x1fff, descriptors: NO_BYTES },
      streams: streams.map(([streamType, pid]) => ({ streamType, pid, descriptors: NO_BYTES })),
    });
  }

  /** Tells what programs are announced, when these sections come. */
  function programsOf(
    sections: readonly [number, Uint8Array][],
    limits?: Partial<TsDemuxerLimits>,
  ): { programs: unknown[]; losses: Partial<TsDemuxerCounters> } {
    const counters = new Map<number, number>();
    const packets = sections.map(([pid, bytes]) => {
      const counter = counters.get(pid) ?? 0;
      counters.set(pid, (counter + 1) & 0x0f);
      return section(pid, counter, bytes);
    });
    const { events, losses } = demux(concatBytes(packets), undefined, limits);
    const programs = events.map((event) =>
      event.kind === 'program'
        ? [
            event.programNumber,
            ...event.streams.map((stream) => `${stream.pid} ${stream.codec ?? stream.streamType}`),
          ]
        : event.kind,
    );
    return { programs, losses };
  }

  it('a program is announced once, and again when it changes', () => {
    const first = pmt(1, [[0x1b, 256]]);
    const second = pmt(
      1,
      [
        [0x1b, 256],
        [0x0f, 257],
        [0x86, 258],
      ],
      1,
    );
    const { programs, losses } = programsOf([
      [
        0,
        pat([
          [0, 16],
          [1, 4096],
        ]),
      ],
      [4096, first],
      [4096, first],
      [4096, second],
      [4096, second],
      [4096, pmt(1, [[0x0f, 257]], 1)],
    ]);
    expect(programs).toEqual([
      [1, '256 h264'],
      [1, '256 h264', '257 aac', '258 134'],
      [1, '257 aac'],
    ]);
    expect(losses).toEqual({});
  });

  it('a PAT that changes ends its programs and begins others', () => {
    const { programs } = programsOf([
      [
        0,
        pat([
          [1, 4096],
          [2, 4097],
        ]),
      ],
      [4096, pmt(1, [[0x1b, 256]])],
      [4097, pmt(2, [[0x03, 300]])],
      [
        0,
        pat(
          [
            [2, 4097],
            [3, 4098],
          ],
          1,
        ),
      ],
      [4096, pmt(1, [[0x1b, 256]], 1)],
      [4098, pmt(3, [[0x24, 256]])],
      [
        0,
        pat(
          [
            [2, 4100],
            [3, 4098],
          ],
          2,
        ),
      ],
      [4100, pmt(2, [[0x0f, 300]])],
    ]);
    expect(programs).toEqual([[1, '256 h264'], [2, '300 mp3'], [1], [3, '256 hevc'], [2], [2, '300 aac']]);
  });

  it('the streams of a program go on through a change of another', () => {
    const stream = sample(3);
    const other = pmt(
      1,
      [
        [0x1b, 0x100],
        [0x0f, 0x101],
        [0x0f, 0x500],
      ],
      7,
    );
    stream.parts.push(section(0x1001, 1, other));
    for (let number = 3; number < 6; number++) stream.video(number).audio(number);
    const { video, audio, losses } = demux(stream.bytes());
    expect(losses).toEqual({});
    expect(numbersOf(video)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(audio.length).toBe(6);
  });

  it('sections with a wrong CRC, not in force yet, of other tables and programs change nothing', () => {
    const wrong = pmt(1, [[0x24, 256]], 3);
    wrong[9] = (wrong[9] ?? 0) ^ 1;
    const { programs, losses } = programsOf([
      [0, pat([[1, 4096]])],
      [4096, wrong],
      [4096, pmt(1, [[0x24, 256]], 0, { current: false })],
      [4096, pmt(9, [[0x24, 256]])],
      [4096, pat([[1, 4097]])],
      [0, pmt(1, [[0x24, 256]])],
      [0, pat([[1, 4097]], 1, { current: false })],
      [4096, pmt(1, [[0x1b, 256]])],
    ]);
    expect(programs).toEqual([[1, '256 h264']]);
    expect(losses).toEqual({ badSections: 1 });
  });

  it('a PAT of several sections is one', () => {
    const last = { lastSectionNumber: 1 };
    const { programs } = programsOf([
      [0, pat([[1, 4096]], 0, last)],
      [0, pat([[2, 4097]], 0, { ...last, sectionNumber: 1 })],
      [0, pat([[1, 4096]], 0, last)],
      [4096, pmt(1, [[0x1b, 256]])],
      [4097, pmt(2, [[0x1b, 257]])],
      [0, pat([[1, 4096]], 1, last)],
      [0, pat([], 1, { ...last, sectionNumber: 1 })],
    ]);
    expect(programs).toEqual([[1, '256 h264'], [2, '257 h264'], [2]]);
  });

  it('sections go over packets, and several into one', () => {
    const streams = Array.from({ length: 100 }, (_, index): [number, number] => [0x86, 300 + index]);
    const long = pmt(1, streams);
    const payload = concatBytes([Uint8Array.of(0), pmt(7, []), long]);
    const packets = [section(0, 0, pat([[1, 4096]]))];
    for (let offset = 0; offset < payload.length; offset += 184) {
      const packet = new Uint8Array(188).fill(0xff);
      packet.set([0x47, offset === 0 ? 0x50 : 0x10, 0, 0x10 | (offset / 184)]);
      packet.set(payload.subarray(offset, offset + 184), 4);
      packets.push(packet);
    }
    const whole = demux(concatBytes(packets));
    expect(whole.losses).toEqual({});
    expect(whole.events).toEqual([expect.objectContaining({ kind: 'program', programNumber: 1 })]);
    const lost = demux(concatBytes(packets.filter((_, index) => index !== 2)));
    expect([lost.events, lost.losses.continuityGaps]).toEqual([[], 1]);
  });

  it('lengths and pointers that lead out are counted', () => {
    const tooLong = hexToBytes('00bfff0001c1000000000000');
    expect(programsOf([[0, tooLong]]).losses).toEqual({ badSections: 1 });
    const pointer = section(0, 0, pat([[1, 4096]]));
    pointer[4] = 184;
    expect(demux(pointer).losses).toEqual({ malformedPackets: 1 });
  });

  it('the limits of programs and streams are kept, and a PID has one use', () => {
    const programs = Array.from({ length: 20 }, (_, index): [number, number] => [index + 1, 4096 + index]);
    const many = programsOf([
      [0, pat(programs)],
      ...programs.map(([number, pid]): [number, Uint8Array] => [pid, pmt(number, [])]),
    ]);
    expect(many.programs.length).toBe(16);
    expect(many.losses).toEqual({ ignoredPids: 4 });
    const streams = Array.from({ length: 5 }, (_, index): [number, number] => [0x1b, 256 + index]);
    const limited = programsOf(
      [
        [0, pat([[1, 4096]])],
        [4096, pmt(1, streams)],
      ],
      { streams: 3 },
    );
    expect(limited.programs).toEqual([[1, '256 h264', '257 h264', '258 h264']]);
    expect(limited.losses).toEqual({ ignoredPids: 2 });
    const taken = programsOf([
      [
        0,
        pat([
          [1, 4096],
          [2, 0],
        ]),
      ],
      [
        4096,
        pmt(1, [
          [0x1b, 0],
          [0x1b, 4096],
          [0x1b, 256],
          [0x1b, 256],
          [0x0f, 0x1fff],
        ]),
      ],
      [
        0,
        pat(
          [
            [1, 4096],
            [3, 256],
          ],
          1,
        ),
      ],
    ]);
    expect(taken.programs).toEqual([[1, '256 h264']]);
    expect(taken.losses).toEqual({ ignoredPids: 6 });
  });
});

describe('PES packets', () => {
  it('over the limit are dropped', () => {
    const bytes = new Stream().tables().video(0).video(1, 5000).video(2).video(3, 100_000).video(4).bytes();
    const { video, losses } = demux(bytes, 1000, { pesBytes: 4000 });
    expect(losses).toEqual({ oversizedPes: 2 });
    expect(numbersOf(video)).toEqual([0, 2, 4]);
    expect(video.map((event) => event.discontinuity)).toEqual([false, true, true]);
    expect(demux(bytes).video.length).toBe(5);
  });

  it('with a length are done when their bytes are there, others with the next one', () => {
    const demuxer = new TsDemuxer();
    const numbersIn = (stream: Stream): number[] =>
      numbersOf(demuxer.write(stream.bytes()).filter((event) => event.kind === 'video'));
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const start = new Stream(muxer).tables().audio(0).audio(1).audio(2);
    expect(demuxer.write(start.bytes()).length).toBe(4);
    expect(numbersIn(new Stream(muxer).video(0))).toEqual([0]);
    expect(numbersIn(new Stream(muxer).video(1, 70_000))).toEqual([]);
    expect(numbersIn(new Stream(muxer).video(2))).toEqual([1, 2]);
    expect(numbersIn(new Stream(muxer).video(3, 70_000))).toEqual([]);
    expect(numbersOf(demuxer.end().filter((event) => event.kind === 'video'))).toEqual([3]);
  });

  /** Packets of one PID with this PES data; each piece begins a PES packet. */
  function carry(pid: number, pieces: readonly Uint8Array[]): Uint8Array {
    const packets: Uint8Array[] = [];
    for (const piece of pieces) {
      for (let offset = 0; offset < piece.length; offset += 100) {
        const part = piece.subarray(offset, offset + 100);
        const packet = new Uint8Array(188).fill(0xff);
        packet.set([
          0x47,
          (offset === 0 ? 0x40 : 0) | (pid >> 8),
          pid & 0xff,
          0x30 | (packets.length & 0x0f),
        ]);
        packet.set([183 - part.length, 0], 4);
        packet.set(part, 188 - part.length);
        packets.push(packet);
      }
    }
    return concatBytes(packets);
  }

  function pes(pts: string, payload: Uint8Array, length = 0): Uint8Array {
    const flags = pts === '' ? '8000' : '8080';
    const head = hexToBytes(
      `000001e0${length.toString(16).padStart(4, '0')}${flags}0${pts.length / 2}${pts}`,
    );
    return concatBytes([head, payload]);
  }

  const tables = new Stream().tables().bytes();
  const PTS_0 = '2100010001';
  const PTS_9000 = '2100014651';

  it('several pictures in one are told apart by their delimiters and timed by their distance', () => {
    const aud = hexToBytes('0000000109f0');
    const slice = hexToBytes('00000141aa');
    const two = concatBytes([aud, slice, slice, aud, slice]);
    const { video, losses } = demux(
      concatBytes([tables, carry(0x100, [pes(PTS_0, two), pes(PTS_9000, two), pes('', two)])]),
    );
    expect(losses).toEqual({});
    expect(video.map((event) => [event.dts, event.nalUnits.length])).toEqual([
      [0, 2],
      [3600, 1],
      [9000, 2],
      [14_400, 1],
      [19_800, 2],
      [25_200, 1],
    ]);
  });

  it('a picture before any time is dropped', () => {
    const slice = hexToBytes('00000141aa');
    const { video, losses } = demux(
      concatBytes([tables, carry(0x100, [pes('', slice), pes(PTS_9000, slice)])]),
    );
    expect(video.map((event) => [event.dts, event.discontinuity])).toEqual([[9000, true]]);
    expect(losses).toEqual({ untimedUnits: 1 });
  });

  it('a length that says more than comes is not believed when no packet is missing', () => {
    const slice = hexToBytes('00000141aa');
    const { video, losses } = demux(
      concatBytes([tables, carry(0x100, [pes(PTS_0, slice, 500), pes(PTS_9000, slice)])]),
    );
    expect(video.map((event) => event.dts)).toEqual([0, 9000]);
    expect(losses).toEqual({});
  });

  it('a length that says less than comes ends the packet', () => {
    const bytes = concatBytes([hexToBytes('00000141aa'), new Uint8Array(300).fill(0xbb)]);
    const { video } = demux(concatBytes([tables, carry(0x100, [pes(PTS_0, bytes, 13)])]));
    expect(video.map((event) => event.nalUnits.map(bytesToHex))).toEqual([['41aa']]);
  });

  it('frames of AAC go on from one packet to the next', () => {
    const frames = concatBytes(Array.from({ length: 9 }, (_, number) => concatBytes(adts(number, 90))));
    const size = 90 + ADTS_HEADER_BYTES;
    const cut = [0, size * 2 + 50, size * 5 + 3, size * 9];
    const pieces = cut.slice(1).map((end, index) => {
      const payload = frames.subarray(cut[index], end);
      return pes(['2100010001', PTS_9000, ''][index] ?? '', payload);
    });
    const { audio, losses } = demux(concatBytes([tables, carry(0x101, pieces)]));
    expect(losses).toEqual({});
    expect(audio.map((event) => event.data[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // The time of the second packet is that of the first frame that begins in it, the fourth of all.
    const step = (1024 * 90_000) / 44_100;
    expect(audio.map((event) => event.pts)).toEqual(
      [0, 1, 2]
        .map((index) => Math.round(index * step))
        .concat([0, 1, 2, 3, 4, 5].map((index) => Math.round(9000 + index * step))),
    );
    expect(bytesToHex(audio[0]?.config ?? NO_BYTES)).toBe(
      bytesToHex(buildAudioSpecificConfig({ sampleRate: 44_100, channelConfiguration: 2 })),
    );
  });

  it('bytes between frames of AAC, frames of several blocks and channels that no header tells are counted', () => {
    const [header = NO_BYTES, data = NO_BYTES] = adts(1, 50);
    const blocks = header.slice();
    blocks[6] = 0xfd;
    const unknown = buildAdtsHeader({ sampleRate: 44_100, channelConfiguration: 0, payloadLength: 50 });
    const payload = concatBytes([
      header,
      data,
      hexToBytes('0102'),
      header,
      data,
      blocks,
      data,
      unknown,
      data,
      header,
      data,
    ]);
    const { audio, losses } = demux(concatBytes([tables, carry(0x101, [pes(PTS_0, payload)])]));
    expect(losses).toEqual({ badFrames: 3 });
    expect(audio.map((event) => event.discontinuity)).toEqual([false, false, true]);
    // Two frames, one of two blocks, and the one whose channels nobody knows.
    expect(audio.at(-1)?.pts).toBe(Math.round((5 * 1024 * 90_000) / 44_100));
  });

  it('what is no audio at all is not kept', () => {
    const noise = new Uint8Array(50_000).fill(0xff);
    const { audio, losses } = demux(concatBytes([tables, carry(0x101, [pes(PTS_0, noise)])]));
    expect(audio).toEqual([]);
    expect(losses).toEqual({ badFrames: 1 });
  });
});

function isVideo(packet: Uint8Array): boolean {
  return ((packet[1] ?? 0) & 0x1f) === 1 && packet[2] === 0;
}
