import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { ascii, box, buildParts, fullBox, type Mp4Part, raw, u16, u32, u64, zeros } from './box-tree.ts';
import {
  buildElementaryStreamDescriptor,
  buildMp4Fragment,
  buildMp4Init,
  MP4_LIMITS,
  MP4_RESERVED_BYTES,
  Mp4AudioClock,
  type Mp4File,
  type Mp4Finish,
  Mp4ObjectType,
  Mp4Recording,
  type Mp4Sample,
  Mp4SampleRun,
  type Mp4TrackConfig,
  openMp4,
  parseElementaryStreamDescriptor,
  type ReadSteps,
  repairMp4,
  runReadSteps,
  runReadStepsOn,
} from './index.ts';
import { PackedNumbers, unzigzag, zigzag } from './packed-numbers.ts';

/** Configurations that ffmpeg wrote: 320 x 180 H.264, 322 x 182 AV1, HEVC of 120 x 68, AAC-LC of 44.1 kHz stereo. */
const AVC = hexToBytes(
  '0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000468ef8fcbfdf8f800',
);
const AV1 = hexToBytes('81000c000a0b000000043d06d4daf90040');
const HEVC = hexToBytes(
  '01016000000090000000000078f000fcfdf8f800000f03a000010018' +
    '40010c01ffff016000000300900000030000030078959409a10001002c' +
    '420101016000000300900000030000030078a003c0801107536595952930bc05a02000000300200000030321' +
    'a2000100064401c073c189',
);
const AAC = hexToBytes('121056e500');
const OPUS = hexToBytes('0002013800000bb8000000'.slice(0, 22));

const VIDEO: Mp4TrackConfig = { id: 1, codec: 'h264', configuration: AVC };
const AUDIO: Mp4TrackConfig = { id: 2, codec: 'aac', configuration: AAC };

/** The error code that `action` fails with, or what it gives. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
}

/** A sample's bytes that tell which one it is. */
function payload(track: number, index: number): Uint8Array {
  return new Uint8Array(5 + ((index * 7 + track) % 40)).fill(track * 100 + (index % 100));
}

interface Recorded {
  /** The file while it grows. */
  readonly live: Uint8Array;
  readonly recording: Mp4Recording;
  /** Where each fragment ends. */
  readonly ends: readonly number[];
}

/** Records frames of 40 ms with two B frames, a keyframe each second, and 1024-sample AAC beside them. */
function record(seconds: number, tracks: readonly Mp4TrackConfig[] = [VIDEO, AUDIO]): Recorded {
  const recording = new Mp4Recording(tracks, { createdAt: Date.UTC(2026, 10, 21) });
  const pieces = [recording.head];
  const ends = [recording.size];
  const cut = (): void => {
    const fragment = recording.cut();
    if (fragment === undefined) return;
    for (const piece of fragment.pieces) pieces.push(piece.slice());
    recording.written(fragment);
    ends.push(recording.size);
  };
  let audio = 0;
  for (let frame = 0; frame < seconds * 25; frame++) {
    if (frame % 25 === 0) cut();
    if (tracks.includes(VIDEO)) {
      const offset = [80, 160, 40][(frame % 25) % 3] ?? 0;
      recording.add(1, frame * 40, offset, frame % 25 === 0, payload(1, frame));
    }
    for (; tracks.includes(AUDIO) && audio * 1024 <= ((frame + 1) * 40 * 44100) / 1000; audio++) {
      recording.add(2, audio * 1024, 0, true, payload(2, audio));
    }
  }
  cut();
  return { live: concatBytes(pieces), recording, ends };
}

/** Does what the finish of a recording says. */
function finished(bytes: Uint8Array, { size, tail, patch }: Mp4Finish): Uint8Array {
  const file = concatBytes([bytes.subarray(0, size), tail]);
  file.set(patch.bytes, patch.offset);
  return file;
}

/** Drives steps as {@link runReadStepsOn} does, checks what is asked for, and counts it. */
function runCounted<T>(bytes: Uint8Array, steps: ReadSteps<T>, asked: { bytes: number; reads: number }): T {
  let step = steps.next();
  while (step.done !== true) {
    const { offset, length } = step.value;
    if (offset + length > bytes.length) throw new Error(`asked for ${offset}..${offset + length}`);
    asked.bytes += length;
    asked.reads++;
    step = steps.next(bytes.slice(offset, offset + length));
  }
  return step.value;
}

function open(bytes: Uint8Array): Mp4File {
  return runReadStepsOn(bytes, openMp4(bytes.length));
}

function readAll(bytes: Uint8Array, file: Mp4File, batch?: number): Mp4Sample[] {
  const cursor = file.cursor();
  const samples: Mp4Sample[] = [];
  for (;;) {
    const more = runReadStepsOn(bytes, cursor.read(batch));
    if (more.length === 0) return samples;
    samples.push(...more);
  }
}

function brief(sample: Mp4Sample): string {
  return `${sample.track.id}@${sample.dts}+${sample.pts - sample.dts}${sample.keyframe ? 'K' : ''}`;
}

describe('MP4 fields', () => {
  it('numbers keep their values in as few bytes as they need', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), (values) => {
        const packed = new PackedNumbers();
        for (const value of values) packed.add(value);
        const next = packed.reader();
        expect(values.map(() => next())).toEqual(values);
        expect(next()).toBe(0);
      }),
    );
    fc.assert(fc.property(fc.integer(), (value) => unzigzag(zigzag(value)) === value));
    const small = new PackedNumbers();
    for (let index = 0; index < 100_000; index++) small.add(index % 128);
    expect(small.memory).toBeLessThan(200_000);
  });

  it.each([
    [
      'AAC',
      '03808080250000000480808017401500000000000000000000000580808005121056e500068080800102',
      { objectType: Mp4ObjectType.mpeg4Audio, configuration: AAC },
    ],
    [
      'MP3',
      '038080801b000000048080800d6b1500000000000000000000000680808001 02',
      { objectType: Mp4ObjectType.mpeg1Audio, configuration: new Uint8Array(0) },
    ],
  ])('ES_Descriptor of %s', (_name, hex, stream) => {
    expect(bytesToHex(buildElementaryStreamDescriptor(stream))).toBe(bytesToHex(hexToBytes(hex)));
    expect(parseElementaryStreamDescriptor(hexToBytes(hex))).toEqual(stream);
  });

  it('an ES_Descriptor with short sizes and all options is read', () => {
    const hex = '03 1c 0001 e0 0002 01 61 0003 04 11 40 15 000000 00000000 00000000 05 02 1210';
    expect(parseElementaryStreamDescriptor(hexToBytes(hex))).toEqual({
      objectType: 0x40,
      configuration: hexToBytes('1210'),
    });
    for (let length = 0; length < 20; length++) {
      expect(outcome(() => parseElementaryStreamDescriptor(hexToBytes(hex).subarray(0, length)))).toBe(
        'short-read',
      );
    }
  });

  it('a value that does not fit its field, or a box over 32 bits, is refused', () => {
    expect(outcome(() => u16(0x10000))).toBe('bad-value');
    expect(outcome(() => u64(2 ** 53))).toBe('bad-value');
    expect(outcome(() => u32(-1))).toBe('bad-value');
    const huge: Mp4Part = { size: 2 ** 32, write: () => undefined };
    expect(outcome(() => box('mdat', huge).write(new DataView(new ArrayBuffer(8)), 0))).toBe(
      'limit-exceeded',
    );
  });

  it('times rounded to ms come back to the grid of the encoder; a jump lays it anew', () => {
    const clock = new Mp4AudioClock(44_100);
    const times = Array.from({ length: 200 }, (_, index) => Math.floor((index * 1024 * 1000) / 44_100));
    expect(times.map((time) => clock.ticks(time, 1024))).toEqual(times.map((_, index) => index * 1024));
    expect(clock.ticks(10_000, 1024)).toBe(441_000);
    expect(clock.ticks(10_023, 1024)).toBe(442_024);
    expect(clock.ticks(9000, 1024)).toBe(396_900);
  });
});

describe('MP4 initialization and fragments', () => {
  const TRACKS: readonly (readonly [string, Mp4TrackConfig, string, object])[] = [
    ['H.264', VIDEO, 'avc1', { codec: 'h264', width: 320, height: 180, timescale: 1000, configuration: AVC }],
    [
      'HEVC',
      { id: 7, codec: 'hevc', configuration: HEVC, timescale: 90_000 },
      'hvc1',
      { codec: 'hevc', timescale: 90_000, configuration: HEVC },
    ],
    [
      'AV1',
      { id: 1, codec: 'av1', configuration: AV1 },
      'av01',
      { codec: 'av1', width: 322, height: 182, configuration: AV1 },
    ],
    [
      'AAC',
      AUDIO,
      'mp4a',
      { codec: 'aac', sampleRate: 44_100, channels: 2, timescale: 44_100, configuration: AAC },
    ],
    [
      'MP3',
      { id: 2, codec: 'mp3', sampleRate: 22_050, channels: 1 },
      'mp4a',
      { codec: 'mp3', sampleRate: 22_050, channels: 1 },
    ],
    [
      'Opus',
      { id: 2, codec: 'opus', configuration: OPUS },
      'Opus',
      { codec: 'opus', sampleRate: 48_000, channels: 2, timescale: 48_000, configuration: OPUS },
    ],
  ];

  it.each(TRACKS)('%s: a track is read as it was written', (_name, track, entryType, facts) => {
    const bytes = buildMp4Init([track]);
    const file = open(bytes);
    expect(file.fragmented).toBe(true);
    expect(file.tracks).toHaveLength(1);
    expect(file.tracks[0]).toMatchObject({ ...facts, id: track.id, entryType, unsupported: undefined });
    expect(readAll(bytes, file)).toEqual([]);
  });

  it('HEVC whose parameter sets are in the stream is hev1', () => {
    const without = HEVC.slice(0, 23);
    without[22] = 0;
    const bytes = buildMp4Init([{ id: 1, codec: 'hevc', configuration: without, width: 64, height: 48 }]);
    expect(open(bytes).tracks[0]).toMatchObject({ entryType: 'hev1', width: 64, height: 48 });
  });

  it.each([
    ['no track', []],
    ['an id twice', [VIDEO, { ...AUDIO, id: 1 }]],
    ['an id of 0', [{ ...VIDEO, id: 0 }]],
    ['MP3 without a rate', [{ id: 1, codec: 'mp3' }]],
    ['an AVC record without SPS', [{ id: 1, codec: 'h264', configuration: hexToBytes('0164000dffe000') }]],
  ] as [string, Mp4TrackConfig[]][])('%s is refused', (_name, tracks) => {
    expect(outcome(() => buildMp4Init(tracks))).toBe('bad-value');
  });

  it('too many tracks, and a configuration that is too long, are refused', () => {
    const many = Array.from({ length: MP4_LIMITS.tracks + 1 }, (_, index) => ({ ...AUDIO, id: index + 1 }));
    expect(outcome(() => buildMp4Init(many))).toBe('limit-exceeded');
    const configuration = new Uint8Array(MP4_LIMITS.configurationBytes + 1);
    expect(outcome(() => buildMp4Init([{ ...AUDIO, configuration }]))).toBe('limit-exceeded');
  });

  it('a fragment has exact sizes and gives the pieces back as they came', () => {
    const samples = new Mp4SampleRun();
    samples.add(3, 2 ** 40, -20, true);
    samples.add(2, 2 ** 40 + 40, 40, false);
    const pieces = [hexToBytes('0102'), hexToBytes('030405')];
    const fragment = buildMp4Fragment({ sequence: 9, tracks: [{ id: 1, samples, pieces }] });
    expect(fragment.pieces.slice(1)).toEqual(pieces);
    expect(fragment.pieces[1]).toBe(pieces[0]);
    expect(fragment.size).toBe(concatBytes(fragment.pieces).length);
    expect(fragment.offsets).toEqual([fragment.size - 5]);
    expect(bytesToHex(fragment.pieces[0] ?? new Uint8Array(0))).toBe(
      bytesToHex(
        hexToBytes(`
          00000074 6d6f6f66 00000010 6d666864 00000000 00000009
          0000005c 74726166 00000018 74666864 00020028 00000001 00000028 01010000
          00000014 74666474 01000000 0000010000000000
          00000028 7472756e 01000a05 00000002 0000007c 02000000
          00000003 ffffffec 00000002 00000028
          0000000d 6d646174`),
      ),
    );
  });

  it('an empty fragment, and pieces of another length than the samples, are refused', () => {
    const samples = new Mp4SampleRun();
    const build = (pieces: Uint8Array[]) => () =>
      buildMp4Fragment({ sequence: 1, tracks: [{ id: 1, samples, pieces }] });
    expect(outcome(build([]))).toBe('bad-value');
    samples.add(4, 0, 0, true);
    expect(outcome(build([new Uint8Array(3)]))).toBe('bad-value');
    samples.clear();
    const big = new Uint8Array(MP4_LIMITS.sampleBytes);
    const pieces = Array.from({ length: MP4_LIMITS.fragmentBytes / big.length + 1 }, () => big);
    pieces.forEach((piece, index) => samples.add(piece.length, index, 0, true));
    expect(outcome(build(pieces))).toBe('limit-exceeded');
  });

  it('a run refuses what its fields cannot hold, and is empty again when it is cleared', () => {
    const samples = new Mp4SampleRun(2);
    expect(outcome(() => samples.add(-1, 0, 0, true))).toBe('limit-exceeded');
    expect(outcome(() => samples.add(MP4_LIMITS.sampleBytes + 1, 0, 0, true))).toBe('limit-exceeded');
    expect(outcome(() => samples.add(1, 0.5, 0, true))).toBe('bad-value');
    expect(outcome(() => samples.add(1, 0, 2 ** 31, true))).toBe('bad-value');
    samples.add(1, 10, 0, true);
    expect(outcome(() => samples.add(1, 9, 0, true))).toBe('bad-value');
    expect(outcome(() => samples.add(1, 11 + 2 ** 32, 0, true))).toBe('bad-value');
    expect(outcome(() => (samples.endDts = 9))).toBe('bad-value');
    samples.add(1, 12, 0, true);
    expect(samples.duration(1)).toBe(2);
    expect(outcome(() => samples.add(1, 13, 0, true))).toBe('limit-exceeded');
    samples.clear();
    expect([samples.count, samples.bytes, samples.dts(0), samples.endDts]).toEqual([0, 0, 0, 0]);
  });

  it('what fragments say is what was added, whatever it was', () => {
    const sample = fc.record({
      size: fc.nat(50),
      delta: fc.oneof(fc.constant(40), fc.nat(1000)),
      offset: fc.oneof(fc.constant(0), fc.integer({ min: -100, max: 100 })),
      keyframe: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(sample, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 5 }),
        (fragments) => {
          const wanted: string[] = [];
          const parts = [buildMp4Init([VIDEO])];
          let dts = 0;
          fragments.forEach((list, index) => {
            const samples = new Mp4SampleRun();
            let bytes = 0;
            for (const { size, delta, offset, keyframe } of list) {
              samples.add(size, dts, offset, keyframe);
              wanted.push(`${size} ${dts} ${keyframe}`);
              dts += delta;
              bytes += size;
            }
            samples.endDts = dts;
            parts.push(
              ...buildMp4Fragment({
                sequence: index + 1,
                tracks: [{ id: 1, samples, pieces: [new Uint8Array(bytes)] }],
              }).pieces,
            );
          });
          const bytes = concatBytes(parts);
          const read = readAll(bytes, open(bytes), 3);
          const first = read[0]?.dts ?? 0;
          expect(read.map((one) => `${one.size} ${one.dts - first} ${one.keyframe}`)).toEqual(wanted);
          for (const one of read) expect(one.pts).toBeGreaterThanOrEqual(one.dts);
        },
      ),
    );
  });
});

describe('MP4 recording', () => {
  it('V001 V003 the growing and the finished file give the same samples', () => {
    const { live, recording } = record(5);
    const done = finished(live, recording.finish());
    expect(live.length).toBe(recording.size);
    const growing = open(live);
    const ordinary = open(done);
    expect([growing.fragmented, ordinary.fragmented]).toEqual([true, false]);
    const samples = readAll(done, ordinary);
    expect(samples).toHaveLength(recording.samples);
    expect(samples.map(brief)).toEqual(readAll(live, growing).map(brief));
    for (const [one, at] of samples.map((sample, index) => [sample, index] as const)) {
      expect(bytesToHex(done.subarray(one.offset, one.offset + one.size))).toBe(
        bytesToHex(live.subarray(one.offset, one.offset + one.size)),
      );
      expect(one.dts).toBeGreaterThanOrEqual(samples[at - 1]?.dts ?? 0);
    }
    const video = samples.filter((one) => one.track.id === 1);
    expect(video.map((one) => [one.dts, one.pts - one.dts, one.keyframe])).toEqual(
      Array.from({ length: 125 }, (_, index) => [
        index * 40,
        [80, 160, 40][(index % 25) % 3],
        index % 25 === 0,
      ]),
    );
    video.forEach((one, index) =>
      expect(bytesToHex(done.subarray(one.offset, one.offset + one.size))).toBe(
        bytesToHex(payload(1, index)),
      ),
    );
  });

  it('V004 the finished file tells its duration, and its moov covers the whole of it', () => {
    const { live, recording } = record(5);
    const finish = recording.finish();
    expect(finish.patch).toMatchObject({ offset: 40 });
    expect(finish.patch.bytes).toHaveLength(MP4_RESERVED_BYTES);
    const done = finished(live, finish);
    const view = new DataView(done.buffer);
    // ftyp, one mdat of 64 bits over all between, moov.
    expect([view.getUint32(40), view.getUint32(48), view.getUint32(52)]).toEqual([1, 0, finish.size - 40]);
    expect(view.getUint32(finish.size)).toBe(finish.tail.length);
    const file = open(done);
    expect(file.duration).toBe(Math.round(recording.duration));
    expect(file.tracks[0]?.duration).toBe(5000);
  });

  it('a track that begins later keeps its place', () => {
    const recording = new Mp4Recording([VIDEO, AUDIO]);
    recording.add(2, 0, 0, true, payload(2, 0));
    recording.add(2, 1024, 0, true, payload(2, 1));
    recording.add(1, 500, 0, true, payload(1, 0));
    recording.add(1, 540, 0, false, payload(1, 1));
    const fragment = recording.cut();
    if (fragment === undefined) throw new Error('no fragment');
    const live = concatBytes([recording.head, ...fragment.pieces]);
    recording.written(fragment);
    const done = finished(live, recording.finish());
    const samples = readAll(done, open(done)).map(brief);
    expect(samples).toEqual(['2@0+0K', '2@23+0K', '1@500+0K', '1@540+0']);
    expect(readAll(live, open(live)).map(brief)).toEqual(samples);
  });

  it('a DTS that does not go on is put behind the last one, and the PTS stays', () => {
    const recording = new Mp4Recording([VIDEO]);
    for (const [dts, offset] of [
      [0, 40],
      [40, 0],
      [40, 80],
      [10, 100],
    ] as const) {
      recording.add(1, dts, offset, dts === 0, payload(1, 0));
    }
    const fragment = recording.cut();
    if (fragment === undefined) throw new Error('no fragment');
    const live = concatBytes([recording.head, ...fragment.pieces]);
    expect(readAll(live, open(live)).map(brief)).toEqual(['1@0+40K', '1@40+0', '1@41+79', '1@42+68']);
  });

  it('fragments may wait, memory is used again, and one that is not written is left out', () => {
    const recording = new Mp4Recording([VIDEO]);
    const file = [recording.head];
    const cut = (index: number) => {
      recording.add(1, index * 1000, 0, true, payload(1, index));
      const fragment = recording.cut();
      if (fragment === undefined) throw new Error('no fragment');
      return fragment;
    };
    const first = cut(0);
    const second = cut(1);
    for (const fragment of [first, second]) {
      for (const piece of fragment.pieces) file.push(piece.slice());
      recording.written(fragment);
    }
    cut(2);
    const fourth = cut(3);
    file.push(...fourth.pieces.map((piece) => piece.slice()));
    recording.written(fourth);
    expect(outcome(() => recording.written(fourth))).toBe('bad-value');
    const done = finished(concatBytes(file), recording.finish());
    const samples = readAll(done, open(done));
    expect(samples.map(brief)).toEqual(['1@0+0K', '1@1000+0K', '1@3000+0K']);
    [0, 1, 3].forEach((name, index) => {
      const { offset = 0, size = 0 } = samples[index] ?? {};
      expect(done.subarray(offset, offset + size)).toEqual(payload(1, name));
    });
    expect(recording.cut()).toBeUndefined();
  });

  it('another codec or configuration asks for another file', () => {
    const recording = new Mp4Recording([VIDEO, AUDIO]);
    recording.checkConfiguration(1, 'h264', AVC.slice());
    expect(outcome(() => recording.checkConfiguration(1, 'hevc', HEVC))).toBe('unsupported');
    expect(outcome(() => recording.checkConfiguration(2, 'aac', hexToBytes('1190')))).toBe('unsupported');
    expect(outcome(() => recording.checkConfiguration(3, 'aac', AAC))).toBe('bad-value');
    expect(outcome(() => recording.add(3, 0, 0, true, AAC))).toBe('bad-value');
  });

  it('nothing written is nothing to finish; the limits hold', () => {
    const recording = new Mp4Recording([VIDEO], { maxPendingBytes: 100, maxSamples: 3 });
    expect(outcome(() => recording.finish())).toBe('bad-value');
    recording.add(1, 0, 0, true, new Uint8Array(60));
    expect(outcome(() => recording.add(1, 40, 0, true, new Uint8Array(41)))).toBe('limit-exceeded');
    expect(outcome(() => recording.add(1, 2 ** 32, 0, true, new Uint8Array(1)))).toBe('bad-value');
    recording.add(1, 40, 0, false, new Uint8Array(40));
    expect([recording.pendingBytes, recording.pendingDuration]).toEqual([100, 80]);
    const fragment = recording.cut();
    if (fragment === undefined) throw new Error('no fragment');
    recording.written(fragment);
    expect(recording.pendingBytes).toBe(0);
    recording.add(1, 80, 0, false, new Uint8Array(1));
    expect(outcome(() => recording.add(1, 120, 0, false, new Uint8Array(1)))).toBe('limit-exceeded');
  });

  it('an hour costs a few hundred KB of memory for each track', () => {
    const recording = new Mp4Recording([VIDEO, AUDIO]);
    const sample = new Uint8Array(2000);
    let audio = 0;
    for (let frame = 0; frame < 30 * 3600; frame++) {
      const dts = Math.round((frame * 1000) / 30);
      const size = 500 + ((frame * 37) % 1500);
      recording.add(1, dts, [33, 100, 0][frame % 3] ?? 0, frame % 60 === 0, sample.subarray(0, size));
      for (; audio * 1024 < dts * 44.1; audio++) {
        recording.add(2, audio * 1024, 0, true, sample.subarray(0, 300 + (audio % 100)));
      }
      if (frame % 60 !== 59) continue;
      const fragment = recording.cut();
      if (fragment !== undefined) recording.written(fragment);
    }
    expect(recording.tableBytes).toBeLessThan(1.5 * 1024 * 1024);
    expect(recording.finish().tail.length).toBeGreaterThan(2_000_000);
  });
});

/** What a progressive track of the tests says where it is not as usual. */
interface TestTrack {
  readonly id?: number;
  readonly handler?: string;
  readonly entries?: readonly Mp4Part[];
  readonly edits?: readonly (readonly [duration: number, mediaTime: number])[];
  readonly tables?: readonly Mp4Part[];
  readonly timescale?: number;
}

function list(type: string, ...entries: readonly (readonly number[])[]): Mp4Part {
  return fullBox(type, 0, 0, u32(entries.length), ...entries.flat().map((value) => u32(value >>> 0)));
}

function visualEntry(type: string, ...children: readonly Mp4Part[]): Mp4Part {
  return box(type, zeros(6), u16(1), zeros(16), u16(320), u16(180), zeros(50), ...children);
}

function audioEntry(type: string, version: number, ...children: readonly Mp4Part[]): Mp4Part {
  const sound = [u16(version), zeros(6), u16(2), u16(16), zeros(4), u32(44_100 * 65_536)];
  return box(type, zeros(6), u16(1), ...sound, ...children);
}

function esds(configuration: Uint8Array, objectType: number = Mp4ObjectType.mpeg4Audio): Mp4Part {
  return fullBox('esds', 0, 0, raw(buildElementaryStreamDescriptor({ objectType, configuration })));
}

const AVC_ENTRY = visualEntry('avc1', box('avcC', raw(AVC)));

/** Six samples of 10..15 bytes in chunks of 2, 2, 1 and 1 from byte 1000 on; 0 and 3 are keyframes. */
const SIX_SAMPLES: readonly Mp4Part[] = [
  list('stts', [4, 40], [2, 60]),
  list('ctts', [1, 80], [1, 160], [4, 40]),
  list('stss', [1], [4]),
  list('stsc', [1, 2, 1], [3, 1, 1]),
  fullBox('stsz', 0, 0, u32(0), u32(6), ...[10, 11, 12, 13, 14, 15].map(u32)),
  list('stco', [1000], [1100], [1200], [1300]),
];
const SIX_READ = ['0 1000 10', '40 1010 11', '80 1100 12', '120 1112 13', '160 1200 14', '220 1300 15'];

function trackBox(track: TestTrack): Mp4Part {
  const {
    id = 1,
    handler = 'vide',
    entries = [AVC_ENTRY],
    edits = [],
    tables = SIX_SAMPLES,
    timescale = 1000,
  } = track;
  return box(
    'trak',
    fullBox('tkhd', 0, 3, zeros(8), u32(id), zeros(68)),
    box('edts', list('elst', ...edits.map(([duration, mediaTime]) => [duration, mediaTime, 0x10000]))),
    box(
      'mdia',
      fullBox('mdhd', 0, 0, zeros(8), u32(timescale), u32(280), zeros(4)),
      fullBox('hdlr', 0, 0, zeros(4), ascii(handler), zeros(13)),
      box('minf', box('stbl', fullBox('stsd', 0, 0, u32(entries.length), ...entries), ...tables)),
    ),
  );
}

/** A file whose `moov` comes first, with room for samples up to byte 2000. */
function progressive(...tracks: readonly TestTrack[]): Uint8Array {
  const moov = box('moov', fullBox('mvhd', 0, 0, zeros(8), u32(1000), zeros(84)), ...tracks.map(trackBox));
  return buildParts(box('ftyp', ascii('isom'), u32(0)), moov, u32(0), ascii('mdat'), zeros(4000));
}

function places(bytes: Uint8Array): string[] {
  return readAll(bytes, open(bytes)).map(({ dts, offset, size }) => `${dts} ${offset} ${size}`);
}

describe('MP4 reader', () => {
  it('reads the tables of a progressive file', () => {
    const bytes = progressive({});
    const file = open(bytes);
    expect(file.duration).toBe(280);
    expect(places(bytes)).toEqual(SIX_READ);
    expect(readAll(bytes, file, 1).map(brief)).toEqual([
      '1@0+80K',
      '1@40+160',
      '1@80+40',
      '1@120+40K',
      '1@160+40',
      '1@220+40',
    ]);
    expect(runReadStepsOn(bytes, file.keyframes())).toEqual({
      dts: Float64Array.of(0, 120),
      pts: Float64Array.of(80, 160),
      end: 280,
    });
  });

  it('the moov may stand at the end, behind an mdat of 64 bits, and only it is read', () => {
    const { live, recording } = record(20);
    const done = finished(live, recording.finish());
    const asked = { bytes: 0, reads: 0 };
    runCounted(done, openMp4(done.length), asked);
    expect(asked.reads).toBeLessThanOrEqual(3);
    expect(asked.bytes).toBeLessThan(recording.finish().tail.length + 20_000);
  });

  it('chunk offsets of 64 bits, and samples of one size', () => {
    const tables = [...SIX_SAMPLES.slice(0, 4), fullBox('stsz', 0, 0, u32(20), u32(6))];
    const co64 = fullBox('co64', 0, 0, u32(4), ...[1000, 1100, 1200, 1300].map(u64));
    expect(places(progressive({ tables: [...tables, co64] }))).toEqual([
      '0 1000 20',
      '40 1020 20',
      '80 1100 20',
      '120 1120 20',
      '160 1200 20',
      '220 1300 20',
    ]);
  });

  it('the first edit moves the time, empty edits delay it, and nothing gets negative', () => {
    const video = { edits: [[200, 80]] as const };
    const sound: TestTrack = {
      id: 2,
      handler: 'soun',
      entries: [audioEntry('mp4a', 0, esds(AAC))],
      timescale: 44_100,
      edits: [
        [100, -1],
        [200, 0],
      ],
    };
    const bytes = progressive(video, sound);
    const samples = readAll(bytes, open(bytes)).filter((one) => one.keyframe && one.dts < 200);
    // Video is shown from 0 on and sound from 100 on; all is moved by the 80 ms that video is decoded earlier.
    expect(samples.slice(0, 2).map(brief)).toEqual(['1@0+80K', '1@120+40K']);
    expect(samples.find((one) => one.track.id === 2)?.dts).toBe(180);
  });

  it('a recorded track that begins late and with a picture shown before its first DTS keeps all pictures', () => {
    const recording = new Mp4Recording([VIDEO], {});
    const pieces = [recording.head];
    for (const [index, offset] of [-80, 40, -40, -40, 80, 0].entries()) {
      recording.add(1, 1000 + index * 40, offset, index === 0, payload(1, index));
    }
    const fragment = recording.cut();
    if (fragment === undefined) throw new Error('no fragment');
    for (const piece of fragment.pieces) pieces.push(piece.slice());
    recording.written(fragment);
    const bytes = finished(concatBytes(pieces), recording.finish());
    const times = readAll(bytes, open(bytes)).map(({ pts }) => pts);
    expect(times).toEqual([920, 1080, 1040, 1080, 1240, 1200]);
  });

  it('negative composition offsets put the DTS earlier', () => {
    const tables = SIX_SAMPLES.map((part, index) =>
      index === 1 ? list('ctts', [1, 0], [1, 80], [4, -40]) : part,
    );
    const bytes = progressive({ tables });
    expect(readAll(bytes, open(bytes)).map(brief)).toEqual([
      '1@0+40K',
      '1@40+120',
      '1@80+0',
      '1@120+0K',
      '1@160+0',
      '1@220+0',
    ]);
    const far = progressive({
      tables: SIX_SAMPLES.map((part, index) => (index === 1 ? list('ctts', [6, -(2 ** 31)]) : part)),
    });
    for (const one of readAll(far, open(far))) expect([one.pts - one.dts, one.dts < 1000]).toEqual([0, true]);
  });

  it.each([
    [0, 0],
    [79, 0],
    [80, 0],
    [159, 0],
    [160, 120],
    [1e12, 120],
    [-5, 0],
  ])('a seek to %s ms goes to the keyframe at %s ms', (time, dts) => {
    const bytes = progressive({}, { id: 2, handler: 'soun', entries: [audioEntry('mp4a', 0, esds(AAC))] });
    const cursor = open(bytes).cursor();
    runReadStepsOn(bytes, cursor.read(5));
    expect(runReadStepsOn(bytes, cursor.seek(time))).toBe(dts);
    const [first, second] = runReadStepsOn(bytes, cursor.read(2));
    expect([first?.track.id, first?.dts, first?.keyframe, second?.track.id, second?.dts]).toEqual([
      1,
      dts,
      true,
      2,
      dts,
    ]);
  });

  it('a seek goes to the same place in the growing and in the finished file', () => {
    const { live, recording } = record(12);
    const done = finished(live, recording.finish());
    const [growing, ordinary] = [open(live).cursor(), open(done).cursor()];
    fc.assert(
      fc.property(fc.integer({ min: 80, max: 15_000 }), (time) => {
        const at = runReadStepsOn(live, growing.seek(time));
        expect(at).toBe(Math.min(Math.floor((time - 80) / 1000), 11) * 1000);
        expect(runReadStepsOn(done, ordinary.seek(time))).toBe(at);
        expect(runReadStepsOn(done, ordinary.read(9)).map(brief)).toEqual(
          runReadStepsOn(live, growing.read(9)).map(brief),
        );
      }),
    );
  });

  it('only the tracks that are asked for are given', () => {
    const { live } = record(3);
    const cursor = open(live).cursor({ tracks: [2] });
    expect(runReadStepsOn(live, cursor.seek(2000))).toBe(1997);
    const samples = runReadStepsOn(live, cursor.read(1000));
    expect(samples[0]?.dts).toBe(1997);
    expect(new Set(samples.map((one) => one.track.id))).toEqual(new Set([2]));
  });

  it('cursors of one file do not disturb each other while fragments are found', () => {
    const { live } = record(6);
    const wanted = readAll(live, open(live)).map(brief);
    const file = open(live);
    const steps = [0, 1, 2].map(() => file.cursor().read(100_000));
    const results: string[][] = [];
    const states = steps.map((one) => one.next());
    while (results.length < 3) {
      states.forEach((state, index) => {
        const step = steps[index];
        if (state.done === true || step === undefined) return;
        const { offset, length } = state.value;
        const next = step.next(live.slice(offset, offset + length));
        states[index] = next;
        if (next.done === true) results.push(next.value.map(brief));
      });
    }
    expect(results).toEqual([wanted, wanted, wanted]);
  });

  it('steps may be driven with promises; a reader that gives too little is told so', async () => {
    const bytes = progressive({});
    const file = await runReadSteps(openMp4(bytes.length), async ({ offset, length }) =>
      bytes.slice(offset, offset + length),
    );
    expect(file.tracks).toHaveLength(1);
    await expect(runReadSteps(openMp4(bytes.length), async () => new Uint8Array(3))).rejects.toMatchObject({
      code: 'short-read',
    });
    expect(outcome(() => openMp4(-1).next())).toBe('bad-value');
  });

  it.each<[string, TestTrack, string]>([
    ['an unknown video codec', { entries: [visualEntry('vp09')] }, 'codec vp09'],
    ['an unknown audio codec', { handler: 'soun', entries: [audioEntry('ac-3', 0)] }, 'codec ac-3'],
    [
      'another object type',
      { handler: 'soun', entries: [audioEntry('mp4a', 0, esds(AAC, 0xdd))] },
      'MPEG-4 object type 221',
    ],
    [
      'an AudioSpecificConfig that is none',
      { handler: 'soun', entries: [audioEntry('mp4a', 0, esds(hexToBytes('00')))] },
      'its AudioSpecificConfig',
    ],
    ['no avcC', { entries: [visualEntry('avc1')] }, 'avc1 without avcC'],
    ['an empty avcC', { entries: [visualEntry('avc1', box('avcC'))] }, 'avc1 without avcC'],
    ['no esds', { handler: 'soun', entries: [audioEntry('mp4a', 0)] }, 'mp4a without esds'],
    ['two descriptions', { entries: [AVC_ENTRY, AVC_ENTRY] }, 'it has 2 sample descriptions'],
    ['no description', { entries: [] }, 'it has no sample description'],
    ['text', { handler: 'text', entries: [box('tx3g', zeros(8))] }, 'text is neither video nor sound'],
    ['compact sizes', { tables: [...SIX_SAMPLES, fullBox('stz2', 0, 0, zeros(8))] }, 'compact sample sizes'],
  ])('%s: the track is listed and not played', (_name, track, reason) => {
    const bytes = progressive(track, { id: 9 });
    const file = open(bytes);
    expect(file.tracks.map(({ unsupported }) => unsupported?.slice(0, reason.length))).toEqual([
      reason,
      undefined,
    ]);
    expect(readAll(bytes, file).every((one) => one.track.id === 9)).toBe(true);
  });

  it.each([
    ['version 1', audioEntry('mp4a', 1, zeros(16), esds(AAC))],
    [
      'version 1 with wave',
      audioEntry('mp4a', 1, zeros(16), box('wave', box('frma', ascii('mp4a')), esds(AAC))),
    ],
    ['version 2', audioEntry('mp4a', 2, zeros(36), esds(AAC))],
  ])('QuickTime sound of %s', (_name, entry) => {
    expect(open(progressive({ handler: 'soun', entries: [entry] })).tracks[0]).toMatchObject({
      codec: 'aac',
      channels: 2,
      sampleRate: 44_100,
      configuration: AAC,
    });
  });

  const replaced = (index: number, part: Mp4Part): TestTrack => ({
    tables: SIX_SAMPLES.map((old, at) => (at === index ? part : old)),
  });

  it.each<[string, TestTrack, string]>([
    ['a table longer than its box', replaced(0, fullBox('stts', 0, 0, u32(5), zeros(32))), 'short-read'],
    ['chunks out of order', replaced(3, list('stsc', [1, 2, 1], [1, 1, 1])), 'bad-value'],
    ['no stsz', { tables: SIX_SAMPLES.slice(0, 4) }, 'bad-value'],
    ['a timescale of 0', { timescale: 0 }, 'bad-value'],
    [
      'a sample behind the end of the file',
      replaced(5, list('stco', [1000], [1100], [99_999], [1300])),
      'short-read',
    ],
    [
      'a sample too big',
      replaced(4, fullBox('stsz', 0, 0, u32(MP4_LIMITS.sampleBytes + 1), u32(6))),
      'limit-exceeded',
    ],
    [
      'too many edits',
      { edits: Array.from({ length: MP4_LIMITS.edits + 1 }, () => [0, -1] as const) },
      'limit-exceeded',
    ],
    [
      'too many boxes',
      { tables: Array.from({ length: MP4_LIMITS.siblingBoxes + 1 }, () => box('free')) },
      'limit-exceeded',
    ],
  ])('%s is refused', (_name, track, code) => {
    const bytes = progressive(track);
    expect(outcome(() => readAll(bytes, open(bytes)))).toBe(code);
  });

  it('samples without number or end are refused', () => {
    const bytes = progressive({
      tables: [
        list('stts', [0xffffffff, 1]),
        list('stsc', [1, 0xffffffff, 1]),
        fullBox('stsz', 0, 0, u32(1), u32(0xffffffff)),
        list('stco', [1000]),
      ],
    });
    expect(outcome(() => open(bytes))).toBe('limit-exceeded');
    const fragment = box(
      'moof',
      fullBox('mfhd', 0, 0, u32(1)),
      box('traf', fullBox('tfhd', 0, 0x020000, u32(1)), fullBox('trun', 0, 0, u32(0xffffffff))),
    );
    const endless = concatBytes([buildMp4Init([VIDEO]), buildParts(fragment)]);
    expect(outcome(() => open(endless))).toBe('limit-exceeded');
  });

  it('too many tracks, the same id twice, and a moov too big are refused', () => {
    const many = Array.from({ length: MP4_LIMITS.tracks + 1 }, (_, index) => ({ id: index + 1 }));
    expect(outcome(() => open(progressive(...many)))).toBe('limit-exceeded');
    expect(outcome(() => open(progressive({}, {})))).toBe('bad-value');
    const size = MP4_LIMITS.moovBytes + 1;
    const steps = openMp4(2 ** 40);
    expect(steps.next().done).toBe(false);
    expect(outcome(() => steps.next(buildParts(u32(size), ascii('moov'), zeros(8))))).toBe('limit-exceeded');
  });

  it('too many keyframes, boxes, and a moof too big are refused', () => {
    const count = MP4_LIMITS.keyframes + 1;
    const tables = [
      list('stts', [count, 1]),
      list('stsc', [1, count, 1]),
      fullBox('stsz', 0, 0, u32(1), u32(count)),
      list('stco', [0]),
    ];
    const bytes = progressive({ tables });
    const file = open(bytes);
    expect(outcome(() => runReadStepsOn(bytes, file.keyframes()))).toBe('limit-exceeded');

    const init = buildMp4Init([VIDEO]);
    const head = concatBytes([init, buildParts(u32(MP4_LIMITS.moofBytes + 1), ascii('moof'), zeros(8))]);
    const steps = openMp4(2 ** 40);
    steps.next();
    expect(outcome(() => steps.next(head))).toBe('limit-exceeded');

    const boxes = buildParts(...Array.from({ length: 1024 }, () => box('free')));
    const endless = openMp4(2 ** 40);
    let step = endless.next();
    const drive = (): void => {
      while (step.done !== true) step = endless.next(boxes);
    };
    expect(outcome(drive)).toBe('limit-exceeded');
  });

  it.each([
    ['nothing', ''],
    ['text', '3c21444f43545950452068746d6c3e3c68746d6c3e'],
    ['FLV', '464c5601050000000900000000'],
    ['no moov', '0000000c6674797069736f6d 0000000866726565'],
    ['a box of 7 bytes', '0000000766747970 00000000'],
    ['a 64-bit box of 3 bytes', '000000016d646174 0000000000000003'],
    ['a 64-bit size over 2^53', '000000016d646174 ffffffffffffffff'],
  ])('%s is no MP4', (_name, hex) => {
    expect(outcome(() => open(hexToBytes(hex)))).toBe('bad-value');
  });

  it('a fragmented file ends where it is cut, and in front of what is damaged', () => {
    const { live, ends } = record(4);
    const wanted = readAll(live, open(live)).map(brief);
    const head = ends[0] ?? 0;
    for (let length = head; length < live.length; length += 37) {
      const bytes = live.subarray(0, length);
      const whole = ends.filter((end) => end <= length).length - 1;
      const samples = readAll(bytes, open(bytes)).map(brief);
      expect(samples).toEqual(wanted.slice(0, samples.length));
      const keyframes = samples.filter((one) => one.startsWith('1') && one.endsWith('K'));
      expect(keyframes).toHaveLength(whole);
    }
    const damaged = concatBytes([live, new Uint8Array(4096)]);
    expect(readAll(damaged, open(damaged)).map(brief)).toEqual(wanted);
  });

  it('fragments without a time go on where the last one ended', () => {
    const untimed = (dataOffset: number): Mp4Part =>
      box(
        'moof',
        fullBox('mfhd', 0, 0, u32(1)),
        box(
          'traf',
          fullBox('tfhd', 0, 0x020018, u32(1), u32(40), u32(5)),
          fullBox('trun', 0, 1, u32(3), u32(dataOffset)),
        ),
      );
    const moof = untimed(untimed(0).size + 8);
    const mdat = box('mdat', zeros(15));
    const bytes = concatBytes([buildMp4Init([VIDEO]), buildParts(moof, mdat, moof, mdat, moof, mdat)]);
    const file = open(bytes);
    expect(readAll(bytes, file).map((one) => one.dts)).toEqual([0, 40, 80, 120, 160, 200, 240, 280, 320]);
    const cursor = file.cursor();
    expect(runReadStepsOn(bytes, cursor.seek(200))).toBe(200);
    expect(runReadStepsOn(bytes, cursor.read(2)).map((one) => one.dts)).toEqual([200, 240]);
    expect(runReadStepsOn(bytes, file.keyframes())).toMatchObject({ end: 360 });
  });

  it('the samples of a long file take no memory of their own', () => {
    const count = 1_000_000;
    const bytes = progressive({
      tables: [
        list('stts', [count, 1]),
        list('stsc', [1, count, 1]),
        fullBox('stsz', 0, 0, u32(1), u32(count)),
        list('stss', ...Array.from({ length: 1000 }, (_, index) => [index * 1000 + 1])),
        list('stco', [0]),
      ],
    });
    const asked = { bytes: 0, reads: 0 };
    const file = runCounted(bytes, openMp4(bytes.length), asked);
    expect(asked.bytes).toBeLessThan(20_000);
    const cursor = file.cursor();
    expect(runCounted(bytes, cursor.seek(654_321), asked)).toBe(654_000);
    expect(outcome(() => runCounted(bytes, cursor.read(1), asked))).toBe('short-read');
    expect(runCounted(bytes, file.keyframes(), asked).dts).toHaveLength(1000);
    expect(asked.bytes).toBeLessThan(20_000);
  });
});

describe('MP4 repair', () => {
  const { live, recording, ends } = record(4);
  const finish = recording.finish();

  it('V003 whatever was cut, all whole fragments are saved', () => {
    const done = finished(live, finish);
    const wanted = readAll(done, open(done)).map(brief);
    const all = concatBytes([live, finish.tail]);
    for (let length = ends[0] ?? 0; length < all.length; length += 23) {
      const bytes = all.subarray(0, length);
      const repair = runReadStepsOn(bytes, repairMp4(length));
      const whole = ends.filter((end) => end <= length);
      expect(repair.recording.size).toBe(whole.at(-1));
      expect(repair.lostBytes).toBe(length - (whole.at(-1) ?? 0));
      expect(repair.state).toBe(whole.length > 1 ? 'cut' : 'empty');
      if (repair.state !== 'cut') continue;
      const mended = finished(bytes, repair.recording.finish());
      const samples = readAll(mended, open(mended)).map(brief);
      expect(new Set(wanted)).toEqual(new Set([...wanted, ...samples]));
      expect(samples.filter((one) => one.startsWith('1'))).toHaveLength((whole.length - 1) * 25);
    }
  });

  it('what is mended is what an ordinary close makes', () => {
    const repair = runReadStepsOn(live, repairMp4(live.length));
    expect(repair.recording.finish()).toEqual(finish);
    const patched = finished(live, { ...finish, tail: finish.tail.subarray(0, 100) });
    const again = runReadStepsOn(patched, repairMp4(patched.length));
    expect([again.state, again.lostBytes]).toEqual(['cut', 100]);
    expect(again.recording.finish()).toEqual(finish);
  });

  it('a finished file is left alone', () => {
    const done = finished(live, finish);
    expect(runReadStepsOn(done, repairMp4(done.length))).toMatchObject({ state: 'finished', lostBytes: 0 });
  });

  it('a recording goes on where it was cut', () => {
    const cut = live.subarray(0, live.length - 10);
    const { recording: resumed } = runReadStepsOn(cut, repairMp4(cut.length));
    resumed.add(1, 10_000, 0, true, payload(1, 0));
    const fragment = resumed.cut();
    if (fragment === undefined) throw new Error('no fragment');
    const bytes = concatBytes([cut.subarray(0, resumed.size), ...fragment.pieces]);
    resumed.written(fragment);
    const done = finished(bytes, resumed.finish());
    expect(readAll(done, open(done)).at(-1)).toMatchObject({ dts: 10_000, keyframe: true });
    expect(runReadStepsOn(done, open(done).keyframes()).dts).toEqual(Float64Array.of(0, 1000, 2000, 10_000));
  });

  it.each([
    ['no MP4 at all', hexToBytes('464c5601050000000900000000'), 'bad-value'],
    ['an empty file', new Uint8Array(0), 'unsupported'],
    ['another fragmented MP4', buildMp4Init([VIDEO]), 'unsupported'],
    ['an ordinary MP4', progressive({}), 'unsupported'],
    ['a head that is cut', live.subarray(0, 200), 'short-read'],
  ])('%s is refused', (_name, bytes, code) => {
    expect(outcome(() => runReadStepsOn(bytes, repairMp4(bytes.length)))).toBe(code);
  });

  it('zeros behind a crash, as file systems leave them, are cut off', () => {
    const bytes = concatBytes([live, new Uint8Array(5000)]);
    expect(runReadStepsOn(bytes, repairMp4(bytes.length))).toMatchObject({ state: 'cut', lostBytes: 5000 });
  });
});

describe('MP4 of ill will', () => {
  const { live, recording } = record(2);
  const seeds = [
    live,
    finished(live, recording.finish()),
    progressive(
      {},
      { id: 2, handler: 'soun', entries: [audioEntry('mp4a', 0, esds(AAC))], edits: [[5, 10]] },
    ),
    buildMp4Init([
      { id: 1, codec: 'hevc', configuration: HEVC },
      { id: 2, codec: 'opus', configuration: OPUS },
    ]),
  ];

  it('mutated files give samples or a MediaError, and ask for no more than there is', () => {
    const edit = fc.tuple(
      fc.nat(),
      fc.constantFrom('set', 'u32', 'cut'),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7fffffff, 0xffffffff)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(edit, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: -10, max: 5000 }),
        (seed, edits, time) => {
          let bytes = seed.slice();
          for (const [where, kind, value] of edits) {
            const at = where % Math.max(bytes.length, 1);
            if (kind === 'cut' && value < 64) bytes = bytes.slice(0, at);
            else if (kind === 'u32' && at + 4 <= bytes.length)
              new DataView(bytes.buffer).setUint32(at, value);
            else bytes[at] = value;
          }
          const asked = { bytes: 0, reads: 0 };
          outcome(() => {
            const file = runCounted(bytes, openMp4(bytes.length), asked);
            runCounted(bytes, file.keyframes(), asked);
            const cursor = file.cursor();
            const most = 600;
            for (let count = 0; count < most; count += 256) {
              for (const one of runCounted(bytes, cursor.read(), asked)) {
                if (one.offset + one.size > bytes.length || one.dts < 0 || one.pts < one.dts)
                  throw new Error(brief(one));
              }
            }
            runCounted(bytes, cursor.seek(time), asked);
            runCounted(bytes, cursor.read(), asked);
          });
          outcome(() => {
            const repair = runCounted(bytes, repairMp4(bytes.length), asked);
            expect(repair.recording.size).toBeLessThanOrEqual(bytes.length);
            if (repair.state === 'cut') repair.recording.finish();
          });
          expect(asked.reads).toBeLessThan(200);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
