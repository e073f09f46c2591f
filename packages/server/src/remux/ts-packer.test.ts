import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { dataPacketOf, packetOf } from '../live/packet-test-kit.ts';
import { aacHeader, audio, avcHeader } from './test-kit.ts';
import type { TsPacker } from './ts-packer.ts';
import {
  adtsPayloads,
  avcBody,
  avcTag,
  LinkedTsPacker,
  nalUnits,
  numberOfPicture,
  numberOfSound,
  readTs,
} from './ts-test-kit.ts';

const both = { video: 'h264', audio: 'aac' } as const;

function headed(): TsPacker {
  const packer = new LinkedTsPacker(both);
  expect(packer.write(packetOf('video', 0, avcHeader()))).toBe('ignored');
  expect(packer.write(packetOf('audio', 0, aacHeader()))).toBe('ignored');
  return packer;
}

describe('TsPacker', () => {
  it('L010 L018 L019 tables first, then pictures with parameter sets and sound with ADTS headers', () => {
    const packer = headed();
    expect(packer.write(packetOf('video', 100, avcBody(1, { key: true, cts: 80 })))).toBe('written');
    expect(packer.write(packetOf('audio', 101, audio(7)))).toBe('written');
    expect(packer.write(packetOf('audio', 124, audio(8)))).toBe('written');
    expect(packer.write(packetOf('video', 140, avcBody(2, { size: 5000 })))).toBe('written');
    const ts = readTs(packer.take());
    expect(ts.order.slice(0, 2)).toEqual(['pat', 'pmt']);
    expect(ts.pmts).toEqual([{ version: 0, pcrPid: 0x100, streams: { 0x100: 0x1b, 0x101: 0x0f } }]);
    const pictures = ts.pes.filter(({ pid }) => pid === 0x100);
    expect(pictures.map(({ payload }) => numberOfPicture(payload))).toEqual([1, 2]);
    expect(pictures.map(({ dts, pts }) => [dts, pts])).toEqual([
      [100, 180],
      [140, 140],
    ]);
    expect(pictures.map(({ randomAccess, pcr }) => [randomAccess, pcr])).toEqual([
      [true, true],
      [false, expect.anything()],
    ]);
    expect(nalUnits(pictures[0]?.payload ?? Buffer.alloc(0)).map(([head = 0]) => head & 0x1f)).toEqual([
      9, 7, 8, 5,
    ]);
    const sounds = ts.pes.filter(({ pid }) => pid === 0x101);
    expect(sounds.map(({ pts }) => pts)).toEqual([101]);
    const frames = adtsPayloads(sounds[0]?.payload ?? Buffer.alloc(0));
    expect(frames.map(({ body }) => numberOfSound(body))).toEqual([7, 8]);
    // AAC LC, 44100 Hz, 2 channels.
    expect(frames[0]?.header.subarray(0, 3).toString('hex')).toBe('fff150');
    expect((frames[0]?.header[3] ?? 0) >> 6).toBe(2);
  });

  it('L019 audio goes into one PES until it spans more than 60 ms, and ends before a keyframe', () => {
    const packer = headed();
    for (let number = 0; number < 8; number += 1) packer.write(packetOf('audio', number * 20, audio(number)));
    packer.write(packetOf('video', 161, avcBody(1, { key: true })));
    packer.write(packetOf('audio', 165, audio(8)));
    const ts = readTs(packer.take());
    const brief = ts.pes.map(({ pid, pts, payload }) =>
      pid === 0x100
        ? 'key'
        : `${pts}:${adtsPayloads(payload)
            .map(({ body }) => numberOfSound(body))
            .join()}`,
    );
    expect(brief.sort()).toEqual(['0:0,1,2,3', '165:8', '80:4,5,6,7', 'key']);
    expect(ts.order.filter((pid) => typeof pid === 'number')).toEqual([0x101, 0x101, 0x100, 0x101]);
  });

  it('L019 a step of the audio clock begins a new PES, forwards and backwards', () => {
    const packer = headed();
    for (const timestamp of [1000, 1020, 9000, 500])
      packer.write(packetOf('audio', timestamp, audio(timestamp)));
    expect(readTs(packer.take()).pes.map(({ pts }) => pts)).toEqual([1000, 9000, 500]);
  });

  it('L017 pure audio carries the PCR', () => {
    const packer = new LinkedTsPacker({ audio: 'aac' });
    packer.write(packetOf('audio', 0, aacHeader()));
    for (let number = 0; number < 10; number += 1)
      packer.write(packetOf('audio', number * 23, audio(number)));
    const ts = readTs(packer.take());
    expect(ts.pmts).toEqual([{ version: 0, pcrPid: 0x101, streams: { 0x101: 0x0f } }]);
    expect(ts.pes.length).toBeGreaterThan(2);
    expect(ts.pes.every(({ pcr }) => pcr)).toBe(true);
  });

  it('L016 continuity counters run on between takes', () => {
    const packer = headed();
    const takes = [];
    for (let number = 0; number < 40; number += 1) {
      packer.write(
        packetOf('video', number * 40, avcBody(number, { key: number % 10 === 0, size: 100 + number * 37 })),
      );
      packer.write(packetOf('audio', number * 40, audio(number)));
      if (number % 7 === 6) takes.push(packer.take());
    }
    takes.push(packer.take());
    const ts = readTs(Buffer.concat(takes));
    expect(ts.gaps).toEqual([]);
    expect(ts.pes.filter(({ pid }) => pid === 0x100).map(({ payload }) => numberOfPicture(payload))).toEqual(
      Array.from({ length: 40 }, (_, index) => index),
    );
  });

  it('L010 MP3 where AAC was announced: another stream type in a PMT of another version', () => {
    const packer = headed();
    packer.write(packetOf('video', 0, avcBody(1, { key: true })));
    packer.write(packetOf('audio', 0, audio(1)));
    packer.write(packetOf('audio', 20, audio(2, { codec: 'mp3', size: 100 })));
    packer.write(packetOf('video', 40, avcBody(2)));
    expect(packer.codecs).toEqual({ video: 'h264', audio: 'mp3' });
    const ts = readTs(packer.take());
    expect(ts.pmts.map(({ version, streams }) => [version, Object.values(streams)])).toEqual([
      [0, [0x1b, 0x0f]],
      [1, [0x1b, expect.toSatisfy((type) => type === 3 || type === 4)]],
    ]);
    const mp3 = ts.pes.find(({ pts }) => pts === 20);
    expect(numberOfSound(mp3?.payload ?? Buffer.alloc(0), [0x2f])).toBe(2);
  });

  it('L010 a track that nobody announced adds itself to the PMT', () => {
    const packer = new LinkedTsPacker({});
    packer.write(packetOf('audio', 0, aacHeader()));
    packer.write(packetOf('audio', 0, audio(1)));
    packer.write(packetOf('video', 30, avcHeader()));
    packer.write(packetOf('video', 30, avcBody(1, { key: true })));
    const ts = readTs(packer.take());
    expect(ts.pmts.map(({ streams }) => Object.values(streams))).toEqual([[0x0f], [0x1b, 0x0f]]);
    expect(ts.order[0]).toBe('pat');
  });

  it('P015 Enhanced RTMP HEVC, its composition time, and a change from H.264 to it', () => {
    const packer = headed();
    packer.write(packetOf('video', 0, avcBody(1, { key: true })));
    const configuration = Buffer.alloc(23);
    configuration[0] = 1;
    configuration[21] = 3;
    const [vps, sps, pps] = [
      Buffer.from('40010c', 'hex'),
      Buffer.from('4201aa', 'hex'),
      Buffer.from('4401bb', 'hex'),
    ];
    const arrays = [vps, sps, pps].map((unit, index) =>
      Buffer.from([0xa0 + index, 0, 1, 0, unit.length, ...unit]),
    );
    configuration[22] = arrays.length;
    const hvc1 = Buffer.from('hvc1');
    const header = Buffer.concat([Buffer.from([0x90]), hvc1, configuration, ...arrays]);
    expect(packer.write(packetOf('video', 40, header))).toBe('ignored');
    expect(packer.codecs).toEqual({ video: 'hevc', audio: 'aac' });
    const idr = Buffer.from([0x26, 1, 0xaa, 0xbb]);
    const body = Buffer.concat([
      Buffer.from([0x91]),
      hvc1,
      Buffer.from([0, 0, 40, 0, 0, 0, idr.length]),
      idr,
    ]);
    expect(packer.write(packetOf('video', 40, body))).toBe('written');
    const ts = readTs(packer.take());
    expect(ts.pmts.map(({ streams }) => streams[0x100])).toEqual([0x1b, 0x24]);
    const picture = ts.pes.filter(({ pid }) => pid === 0x100)[1];
    expect([picture?.dts, picture?.pts]).toEqual([40, 80]);
    const units = nalUnits(picture?.payload ?? Buffer.alloc(0)).map((unit) => unit.toString('hex'));
    expect(units.slice(1)).toEqual([vps, sps, pps, idr].map((unit) => unit.toString('hex')));
  });

  it('L018 several slices stay one access unit; parameter sets and delimiters of the body are made anew', () => {
    const packer = headed();
    const slices = [Buffer.from('658811', 'hex'), Buffer.from('650822', 'hex'), Buffer.from('650433', 'hex')];
    const odd = [Buffer.from('09f0', 'hex'), Buffer.from('67640099', 'hex'), Buffer.from('68eb99', 'hex')];
    packer.write(packetOf('video', 0, avcTag(true, [...odd, ...slices])));
    const [picture] = readTs(packer.take()).pes;
    const units = nalUnits(picture?.payload ?? Buffer.alloc(0));
    expect(units.map(([head = 0]) => head & 0x1f)).toEqual([9, 7, 8, 5, 5, 5]);
    expect(units.slice(3)).toEqual(slices);
  });

  it('L018 #264 NAL units behind the sequence header in one message are passed over', () => {
    const packer = new LinkedTsPacker(both);
    const header = Buffer.concat([avcHeader(), Buffer.from('000000056588112233', 'hex')]);
    expect(packer.write(packetOf('video', 0, header))).toBe('ignored');
    packer.write(packetOf('video', 0, avcBody(3, { key: true })));
    expect(readTs(packer.take()).pes.map(({ payload }) => numberOfPicture(payload))).toEqual([3]);
  });

  it.each([3, 4])('P014 start codes of %d bytes instead of lengths', (size) => {
    const packer = headed();
    const startCode = Buffer.from([0, 0, 0, 1]).subarray(4 - size);
    const units = [Buffer.from('658811', 'hex'), Buffer.alloc(300, 0x65)];
    const annexB = Buffer.concat(units.flatMap((unit) => [startCode, unit]));
    const body = Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), annexB]);
    expect(packer.write(packetOf('video', 0, body))).toBe('written');
    const [picture] = readTs(packer.take()).pes;
    expect(nalUnits(picture?.payload ?? Buffer.alloc(0)).slice(3)).toEqual(units);
  });

  it.each([
    ['bytes behind the last unit', '000000'],
    ['a length of more than there is', '0000ffff6511'],
    ['a unit without bytes', '00000000'],
  ])('takes the whole units of a picture: %s', (_, junk) => {
    const packer = headed();
    const body = Buffer.concat([avcBody(1, { key: true }), Buffer.from(junk, 'hex')]);
    expect(packer.write(packetOf('video', 0, body))).toBe('written');
    expect(packer.dropped).toBe(0);
    expect(readTs(packer.take()).pes.map(({ payload }) => numberOfPicture(payload))).toEqual([1]);
  });

  it('takes what is whole of a picture with random bytes behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (junk) => {
        const packer = headed();
        const body = Buffer.concat([avcBody(1, { key: true }), junk]);
        expect(packer.write(packetOf('video', 0, body))).toBe('written');
        expect(readTs(packer.take()).pes.map(({ payload }) => numberOfPicture(payload))).toEqual([1]);
      }),
    );
  });

  it('P014 a length that looks like a start code is a length', () => {
    const packer = headed();
    const unit = Buffer.alloc(0x165, 0x33);
    unit[0] = 0x65;
    expect(packer.write(packetOf('video', 0, avcTag(true, [unit])))).toBe('written');
    const [picture] = readTs(packer.take()).pes;
    expect(nalUnits(picture?.payload ?? Buffer.alloc(0))[3]).toEqual(unit);
  });

  it.each([
    // AudioSpecificConfig, and byte 2 and the first two bits of byte 3 of the ADTS header that it makes
    ['AAC LC 48000 Hz stereo', '1190', '4c80'],
    ['AAC LC 22050 Hz mono', '1388', '5c40'],
    ['AAC main 44100 Hz stereo', '0a10', '1080'],
    ['HE-AAC, hierarchical: 22050 Hz core', '2b920800', '5c80'],
    ['HE-AAC, backward compatible', '139056e5a0', '5c80'],
    ['AAC LC 48000 Hz 5.1', '11b0', '4d80'],
  ])('L019 %s', (_name, config, expected) => {
    const packer = new LinkedTsPacker({ audio: 'aac' });
    expect(packer.write(packetOf('audio', 0, Buffer.from(`af00${config}`, 'hex')))).toBe('ignored');
    packer.write(packetOf('audio', 0, audio(1)));
    const [pes] = readTs(packer.take()).pes;
    const header = pes?.payload.subarray(0, 7) ?? Buffer.alloc(7);
    expect(Buffer.from([header[2] ?? 0, (header[3] ?? 0) & 0xc0]).toString('hex')).toBe(expected);
  });

  it.each([
    ['a picture cut in a length', 9, avcBody(1).subarray(0, 7), 'broken'],
    ['no NAL unit at all', 9, avcBody(1).subarray(0, 5), 'ignored'],
    ['an H.264 configuration cut short', 9, avcHeader().subarray(0, 20), 'broken'],
    ['an AAC configuration cut short', 8, aacHeader().subarray(0, 3), 'broken'],
    ['no AAC at all', 8, audio(1).subarray(0, 2), 'ignored'],
    ['AAC that is too long for ADTS', 8, audio(1, { size: 9000 }), 'broken'],
    ['MP3 that is too long for a PES', 8, audio(1, { size: 70_000, codec: 'mp3' }), 'broken'],
    ['Speex', 8, audio(1, { codec: 'speex' }), 'unsupported'],
    ['xHE-AAC', 8, Buffer.from('af00f94021', 'hex'), 'unsupported'],
    ['AV1', 9, Buffer.from('9161763031000000', 'hex'), 'unsupported'],
    ['VP6', 9, Buffer.from('1400112233', 'hex'), 'unsupported'],
    ['the end of the sequence', 9, Buffer.from('1702000000', 'hex'), 'ignored'],
  ] as const)('drops and counts: %s', (_name, kind, body, result) => {
    const packer = headed();
    packer.take();
    expect(packer.write(packetOf(kind === 8 ? 'audio' : 'video', 0, body))).toBe(result);
    expect(packer.dropped).toBe(result === 'ignored' ? 0 : 1);
    expect(packer.length).toBe(0);
    expect(packer.write(packetOf('video', 40, avcBody(2, { key: true })))).toBe('written');
    expect(readTs(packer.take()).pes.map(({ payload }) => numberOfPicture(payload))).toEqual([2]);
  });

  it('AAC before its sequence header is dropped, data is ignored', () => {
    const packer = new LinkedTsPacker(both);
    expect(packer.write(packetOf('audio', 0, audio(1)))).toBe('headerless');
    expect(packer.write(dataPacketOf(0, Uint8Array.of(2, 0, 0)))).toBe('ignored');
    expect(packer.take()).toHaveLength(0);
  });

  it('keeps nothing of a lent body, and gives its own memory away', () => {
    const packer = headed();
    const picture = avcBody(1, { key: true });
    const sound = audio(1);
    packer.write(packetOf('video', 0, picture));
    packer.write(packetOf('audio', 0, sound));
    picture.fill(0);
    sound.fill(0);
    const first = packer.take();
    const copy = Buffer.from(first);
    packer.write(packetOf('video', 40, avcBody(2, { size: 50_000 })));
    expect(packer.take().length).toBeGreaterThan(50_000);
    expect(Buffer.compare(copy, first)).toBe(0);
    const { pes } = readTs(first);
    expect(numberOfPicture(pes[0]?.payload ?? Buffer.alloc(0))).toBe(1);
    expect(numberOfSound(adtsPayloads(pes[1]?.payload ?? Buffer.alloc(0))[0]?.body ?? sound)).toBe(1);
  });

  it('keeps nothing of a lent header, not even of a Node Buffer, whose slice() is a view', () => {
    const packer = new LinkedTsPacker(both);
    const header = Buffer.from(avcHeader());
    packer.write(packetOf('video', 0, header));
    header.fill(0);
    packer.write(packetOf('video', 0, avcBody(1, { key: true })));
    const [picture] = readTs(packer.take()).pes;
    expect(nalUnits(picture?.payload ?? Buffer.alloc(0)).map(([head = 0]) => head & 0x1f)).toEqual([
      9, 7, 8, 5,
    ]);
  });

  it('L017 composition times below zero keep their PTS; the DTS go earlier, but not below zero', () => {
    const packer = headed();
    packer.write(packetOf('video', 10, avcBody(1, { key: true })));
    packer.write(packetOf('video', 50, avcBody(2, { cts: 40 })));
    packer.write(packetOf('video', 90, avcBody(3, { cts: -40 })));
    packer.write(packetOf('video', 130, avcBody(4, { cts: 40 })));
    const times = readTs(packer.take()).pes.map(({ pts, dts }) => [pts, Math.round(dts)]);
    expect(times).toEqual([
      [10, 10],
      [90, 50],
      [50, 50],
      [170, 90],
    ]);
    const first = headed();
    first.write(packetOf('video', 10, avcBody(1, { key: true, cts: -40 })));
    first.write(packetOf('video', 50, avcBody(2, { cts: 0 })));
    // All is moved by what the first picture is shown before 0, so that audio stays in step.
    first.write(packetOf('audio', 50, audio(1)));
    const moved = readTs(first.take()).pes.map(({ pts, dts }) => [pts, Math.round(dts)]);
    expect(moved).toEqual([
      [0, 0],
      [80, 40],
      [80, 80],
    ]);
  });

  it('mutated frames of every kind: nothing is thrown, and whole packets come out', () => {
    const seeds = [
      [9, avcHeader()],
      [9, avcBody(1, { key: true })],
      [9, avcBody(2)],
      [8, aacHeader()],
      [8, audio(1)],
      [8, audio(1, { codec: 'mp3' })],
      [9, Buffer.from('916876633100002800000004260 1aabb'.replace(' ', ''), 'hex')],
    ] as const;
    const mutated = fc.record({
      seed: fc.nat(seeds.length - 1),
      timestamp: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      cut: fc.option(fc.nat(60)),
      changes: fc.array(fc.tuple(fc.nat(59), fc.nat(255)), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(mutated, { maxLength: 30 }), (frames) => {
        const packer = new LinkedTsPacker(both);
        for (const { seed, timestamp, cut, changes } of frames) {
          const [kind, original] = seeds[seed] ?? seeds[0];
          const body = Buffer.from(original.subarray(0, cut ?? original.length));
          for (const [at, value] of changes) if (at < body.length) body[at] = value;
          const frame = packetOrNothing(kind, timestamp, body);
          if (frame !== undefined) packer.write(frame);
        }
        const ts = readTs(packer.take());
        expect(ts.gaps).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

function packetOrNothing(kind: 8 | 9, timestamp: number, body: Uint8Array) {
  try {
    return packetOf(kind === 8 ? 'audio' : 'video', timestamp, body);
  } catch {
    return undefined;
  }
}
