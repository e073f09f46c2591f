import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { buildLengthPrefixed, type NalLengthSize } from '../avc/index.ts';
import { bytesToHex, concatBytes, crc32Mpeg, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  parsePat,
  parsePesHeader,
  parsePmt,
  readPcr,
  TS_CLOCK_WRAP,
  TS_MAX_AUDIO_BYTES,
  TsMuxer,
  type TsAudioUnit,
  type TsCodecs,
  type TsVideoUnit,
} from './index.ts';

/** A packet, taken apart with the clauses of the standard at hand and none of the muxer's code. */
interface Packet {
  pid: number;
  unitStart: boolean;
  counter: number;
  randomAccess: boolean;
  pcr: number | undefined;
  payload: Uint8Array;
}

function packetsOf(bytes: Uint8Array): Packet[] {
  expect(bytes.length % 188).toBe(0);
  const packets: Packet[] = [];
  for (let offset = 0; offset < bytes.length; offset += 188) {
    const packet = bytes.subarray(offset, offset + 188);
    const [sync = 0, b1 = 0, b2 = 0, b3 = 0, fieldLength = 0, flags = 0] = packet;
    expect(sync).toBe(0x47);
    expect(b1 & 0xa0).toBe(0);
    expect(b3 & 0xd0).toBe(0x10);
    const hasField = (b3 & 0x20) !== 0;
    const hasFlags = hasField && fieldLength > 0;
    const hasPcr = hasFlags && (flags & 0x10) !== 0;
    const payload = packet.subarray(hasField ? 5 + fieldLength : 4);
    expect(payload.length).toBeGreaterThan(0);
    if (hasFlags) {
      const stuffing = packet.subarray(hasPcr ? 12 : 6, 5 + fieldLength);
      expect(stuffing.every((byte) => byte === 0xff)).toBe(true);
    }
    packets.push({
      pid: ((b1 & 0x1f) << 8) | b2,
      unitStart: (b1 & 0x40) !== 0,
      counter: b3 & 0x0f,
      randomAccess: hasFlags && (flags & 0x40) !== 0,
      pcr: hasPcr ? readPcr(packet, 6) : undefined,
      payload,
    });
  }
  return packets;
}

const SPS = hexToBytes('6764000c');
const PPS = hexToBytes('68ebe3cb');
const IDR = hexToBytes('65888400');
const SLICE = hexToBytes('419a');

function video(units: readonly Uint8Array[], over: Partial<TsVideoUnit> = {}): TsVideoUnit {
  const nalLengthSize = (over.nalLengthSize ?? 4) as NalLengthSize;
  return {
    dts: 0,
    pts: 0,
    keyframe: false,
    data: buildLengthPrefixed(units, nalLengthSize),
    nalLengthSize,
    parameterSets: [SPS, PPS],
    ...over,
  };
}

function muxVideo(muxer: TsMuxer, unit: TsVideoUnit): Uint8Array {
  const target = new Uint8Array(muxer.videoSize(unit));
  expect(muxer.writeVideo(target, 0, unit)).toBe(target.length);
  return target;
}

function muxAudio(muxer: TsMuxer, unit: TsAudioUnit): Uint8Array {
  const target = new Uint8Array(muxer.audioSize(unit));
  expect(muxer.writeAudio(target, 0, unit)).toBe(target.length);
  return target;
}

function muxTables(muxer: TsMuxer): Uint8Array {
  const target = new Uint8Array(muxer.tablesSize());
  expect(muxer.writeTables(target, 0)).toBe(target.length);
  return target;
}

/** The one PES packet in these packets: its header and its payload. */
function pesOf(bytes: Uint8Array): { header: ReturnType<typeof parsePesHeader>; payload: Uint8Array } {
  const packets = packetsOf(bytes);
  expect(packets.map((packet) => packet.unitStart)).toEqual(packets.map((_, index) => index === 0));
  const pes = concatBytes(packets.map((packet) => packet.payload));
  const header = parsePesHeader(pes);
  return { header, payload: pes.subarray(header?.headerBytes) };
}

function payloadHex(bytes: Uint8Array): string {
  return bytesToHex(pesOf(bytes).payload);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('L011 H010 PAT and PMT', () => {
  it.each<[string, TsCodecs, number, [number, number][]]>([
    [
      'H.264 and AAC',
      { video: 'h264', audio: 'aac' },
      0x100,
      [
        [0x1b, 0x100],
        [0x0f, 0x101],
      ],
    ],
    [
      'H.264 and MP3',
      { video: 'h264', audio: 'mp3' },
      0x100,
      [
        [0x1b, 0x100],
        [0x03, 0x102],
      ],
    ],
    [
      'HEVC and AAC',
      { video: 'hevc', audio: 'aac' },
      0x100,
      [
        [0x24, 0x100],
        [0x0f, 0x101],
      ],
    ],
    ['video alone', { video: 'h264' }, 0x100, [[0x1b, 0x100]]],
    ['AAC alone', { audio: 'aac' }, 0x101, [[0x0f, 0x101]]],
    ['MP3 alone', { audio: 'mp3', video: undefined }, 0x102, [[0x03, 0x102]]],
    ['nothing', {}, 0x1fff, []],
  ])('%s', (_, codecs, pcrPid, streams) => {
    const [patPacket, pmtPacket, ...more] = packetsOf(muxTables(new TsMuxer(codecs)));
    expect(more).toEqual([]);
    expect([patPacket?.pid, pmtPacket?.pid]).toEqual([0, 0x1001]);
    expect([patPacket?.payload[0], pmtPacket?.payload[0]]).toEqual([0, 0]);
    const pat = parsePat(patPacket?.payload.subarray(1) ?? new Uint8Array(0));
    expect(pat.programs).toEqual([{ programNumber: 1, pid: 0x1001 }]);
    const pmt = parsePmt(pmtPacket?.payload.subarray(1) ?? new Uint8Array(0));
    expect([pmt.programNumber, pmt.pcrPid]).toEqual([1, pcrPid]);
    expect(pmt.streams.map((stream) => [stream.streamType, stream.pid])).toEqual(streams);
  });

  it('each section fills its packet, with a CRC and stuffing behind it', () => {
    for (const { payload } of packetsOf(muxTables(new TsMuxer({ video: 'h264', audio: 'aac' })))) {
      const end = 1 + 3 + (payload[3] ?? 0);
      expect(crc32Mpeg(payload, 1, end)).toBe(0);
      expect(payload.subarray(end).every((byte) => byte === 0xff)).toBe(true);
    }
  });

  it('L010 other codecs give the PMT a new version, the same ones do not', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const versionOf = (): number =>
      parsePmt(packetsOf(muxTables(muxer))[1]?.payload.subarray(1) ?? SPS).version;
    expect(versionOf()).toBe(0);
    muxer.setCodecs({ audio: 'aac', video: 'h264' });
    expect(versionOf()).toBe(0);
    muxer.setCodecs({ video: 'h264', audio: 'mp3' });
    expect(muxer.codecs).toEqual({ video: 'h264', audio: 'mp3' });
    expect(versionOf()).toBe(1);
    for (let turn = 0; turn < 31; turn++) muxer.setCodecs({ audio: turn % 2 === 0 ? 'aac' : 'mp3' });
    expect(versionOf()).toBe(0);
  });

  it('asks for room', () => {
    const muxer = new TsMuxer({ audio: 'aac' });
    expect(codeOf(() => muxer.writeTables(new Uint8Array(375), 0))).toBe('short-read');
    expect(packetsOf(muxTables(muxer)).map((packet) => packet.counter)).toEqual([0, 0]);
  });
});

describe('L016 continuity counters', () => {
  it('run on for each PID, whatever is written between', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const parts: Uint8Array[] = [];
    for (let index = 0; index < 40; index++) {
      if (index === 20) muxer.setCodecs({ video: 'h264', audio: 'mp3' });
      if (index === 30) muxer.setCodecs({ video: 'h264', audio: 'aac' });
      parts.push(muxTables(muxer));
      parts.push(muxVideo(muxer, video([new Uint8Array(50 * index + 1).fill(1)])));
      parts.push(muxAudio(muxer, { pts: 0, pcr: false, pieces: [new Uint8Array(30 * index + 1)] }));
    }
    const last = new Map<number, number>();
    for (const { pid, counter } of packetsOf(concatBytes(parts))) {
      expect(counter).toBe(((last.get(pid) ?? -1) + 1) % 16);
      last.set(pid, counter);
    }
    expect([...last.keys()].sort((a, b) => a - b)).toEqual([0, 0x100, 0x101, 0x102, 0x1001]);
  });

  it('do not move when nothing is written', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const unit = video([IDR]);
    expect(codeOf(() => muxer.writeVideo(new Uint8Array(187), 0, unit))).toBe('short-read');
    expect(codeOf(() => muxer.writeAudio(new Uint8Array(188), 1, { pts: 0, pcr: true, pieces: [IDR] }))).toBe(
      'short-read',
    );
    expect(packetsOf(muxVideo(muxer, unit))[0]?.counter).toBe(0);
    expect(packetsOf(muxAudio(muxer, { pts: 0, pcr: true, pieces: [IDR] }))[0]?.counter).toBe(0);
  });
});

describe('L018 access units', () => {
  const AVC_AUD = '0000000109f0';
  const START = '000001';
  const SETS = `00${START}${bytesToHex(SPS)}00${START}${bytesToHex(PPS)}`;

  it('begin with a delimiter; a keyframe has the parameter sets next', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    expect(payloadHex(muxVideo(muxer, video([IDR], { keyframe: true })))).toBe(
      `${AVC_AUD}${SETS}${START}${bytesToHex(IDR)}`,
    );
    expect(payloadHex(muxVideo(muxer, video([SLICE, SLICE])))).toBe(
      `${AVC_AUD}${START}${bytesToHex(SLICE)}${START}${bytesToHex(SLICE)}`,
    );
  });

  it.each([1, 2, 4])('lengths of %i bytes are read', (nalLengthSize) => {
    const muxer = new TsMuxer({ video: 'h264' });
    expect(payloadHex(muxVideo(muxer, video([SLICE, IDR], { nalLengthSize })))).toBe(
      `${AVC_AUD}${START}${bytesToHex(SLICE)}${START}${bytesToHex(IDR)}`,
    );
  });

  it('delimiters, SPS and PPS of the body are dropped and made anew; SEI and empty units are not a matter', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const sei = hexToBytes('0605ff');
    const otherSps = hexToBytes('6742c01e');
    const body = [hexToBytes('0930'), otherSps, PPS, sei, new Uint8Array(0), IDR];
    expect(payloadHex(muxVideo(muxer, video(body, { keyframe: true })))).toBe(
      `${AVC_AUD}${SETS}${START}${bytesToHex(sei)}${START}${bytesToHex(IDR)}`,
    );
  });

  it('L018 parameter sets between keyframes stay: they may be new ones', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const pps = hexToBytes('68ce0f2c');
    expect(payloadHex(muxVideo(muxer, video([pps, SLICE])))).toBe(
      `${AVC_AUD}${START}${bytesToHex(pps)}${START}${bytesToHex(SLICE)}`,
    );
    expect(muxer.videoSize(video([SPS, pps]))).toBe(0);
  });

  it('parameter sets of the body stay when there are no others', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const unit = video([SPS, PPS, IDR], { keyframe: true, parameterSets: [] });
    expect(payloadHex(muxVideo(muxer, unit))).toBe(
      `${AVC_AUD}${START}${bytesToHex(SPS)}${START}${bytesToHex(PPS)}${START}${bytesToHex(IDR)}`,
    );
  });

  it('HEVC has its own delimiter and parameter sets', () => {
    const muxer = new TsMuxer({ video: 'hevc' });
    const [vps, sps, pps, aud] = ['40010c', '420101', '4401c1', '460150'].map(hexToBytes) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const picture = hexToBytes('2601af');
    const unit = video([aud, vps, sps, pps, picture], { keyframe: true, parameterSets: [vps, sps, pps] });
    const sets = [vps, sps, pps].map((set) => `00${START}${bytesToHex(set)}`).join('');
    expect(payloadHex(muxVideo(muxer, unit))).toBe(`00000001460150${sets}${START}${bytesToHex(picture)}`);
  });

  it('L018 #264 a body of parameter sets alone is no picture', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    for (const units of [[], [SPS, PPS], [hexToBytes('0930')]]) {
      const unit = video(units, { keyframe: true });
      expect(muxer.videoSize(unit)).toBe(0);
      expect(muxer.writeVideo(new Uint8Array(0), 0, unit)).toBe(0);
    }
  });

  it.each([
    ['a length that is cut', '000000', 4, 'short-read'],
    ['a length over the body', '00000005 65888400', 4, 'short-read'],
    ['a second length over the body', '0001 65 0002 65', 2, 'short-read'],
    ['a length of 32 bits', 'ffffffff 65888400', 4, 'short-read'],
    ['lengths of 3 bytes', '000001 65', 3, 'bad-value'],
  ])('%s is refused', (_, hex, nalLengthSize, code) => {
    const muxer = new TsMuxer({ video: 'h264' });
    const unit = { ...video([]), data: hexToBytes(hex), nalLengthSize };
    expect(codeOf(() => muxer.videoSize(unit))).toBe(code);
    expect(codeOf(() => muxer.writeVideo(new Uint8Array(9999), 0, unit))).toBe(code);
  });

  it('nothing but a MediaError comes of any body', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(1, 2, 4), (data, nalLengthSize) => {
        const unit = { ...video([]), data, nalLengthSize, keyframe: true };
        codeOf(() => packetsOf(muxVideo(muxer, unit)));
      }),
    );
  });
});

describe('L017 clock', () => {
  it('PCR is the DTS of a picture, random access is marked on keyframes', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const [key] = packetsOf(muxVideo(muxer, video([IDR], { keyframe: true, dts: 1000, pts: 1080 })));
    expect([key?.pcr, key?.randomAccess]).toEqual([90_000, true]);
    const inter = muxVideo(muxer, video([SLICE], { dts: 1040, pts: 1040 }));
    expect([packetsOf(inter)[0]?.pcr, packetsOf(inter)[0]?.randomAccess]).toEqual([93_600, false]);
    expect(pesOf(inter).header).toMatchObject({ streamId: 0xe0, pts: 93_600, dts: undefined });
  });

  it('only the first packet of a picture has it', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const packets = packetsOf(
      muxVideo(muxer, video([new Uint8Array(1000).fill(1)], { keyframe: true, dts: 5 })),
    );
    expect(packets.length).toBeGreaterThan(3);
    expect(packets.map((packet) => packet.pcr)).toEqual(
      packets.map((_, index) => (index === 0 ? 450 : undefined)),
    );
  });

  it('audio has it when it is alone', () => {
    const muxer = new TsMuxer({ audio: 'aac' });
    const [alone] = packetsOf(muxAudio(muxer, { pts: 23.22, pcr: true, pieces: [SLICE] }));
    expect([alone?.pid, alone?.pcr]).toEqual([0x101, 2090]);
    const [beside] = packetsOf(muxAudio(muxer, { pts: 23.22, pcr: false, pieces: [SLICE] }));
    expect([beside?.pcr, beside?.randomAccess]).toEqual([undefined, false]);
  });

  it('a picture shown later than decoded has both times, and so has one shown earlier', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const later = pesOf(muxVideo(muxer, video([SLICE], { dts: 40, pts: 120 }))).header;
    expect([later?.pts, later?.dts]).toEqual([10_800, 3600]);
    const earlier = pesOf(muxVideo(muxer, video([SLICE], { dts: 40, pts: 0 }))).header;
    expect([earlier?.pts, earlier?.dts]).toEqual([0, 3600]);
  });

  it('L017 no time is negative, and 33 bits wrap', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const negative = muxVideo(muxer, video([SLICE], { dts: -40, pts: -10 }));
    expect([pesOf(negative).header?.pts, packetsOf(negative)[0]?.pcr]).toEqual([0, 0]);
    const wrapMs = TS_CLOCK_WRAP / 90;
    const across = muxVideo(muxer, video([SLICE], { dts: wrapMs - 20, pts: wrapMs + 20 }));
    expect(pesOf(across).header).toMatchObject({ pts: 1800, dts: TS_CLOCK_WRAP - 1800 });
    expect(packetsOf(across)[0]?.pcr).toBe(TS_CLOCK_WRAP - 1800);
  });
});

describe('PES packets', () => {
  it('any size of payload fills whole packets', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'mp3' });
    for (let size = 1; size < 600; size++) {
      const piece = Uint8Array.from({ length: size }, (_, index) => (index * 7) & 0xff);
      for (const pcr of [true, false]) {
        const { header, payload } = pesOf(muxAudio(muxer, { pts: 0, pcr, pieces: [piece] }));
        expect(bytesToHex(payload)).toBe(bytesToHex(piece));
        expect(header?.payloadLength).toBe(size);
      }
      piece[0] = 1;
      const { header, payload } = pesOf(muxVideo(muxer, video([piece], { pts: size % 2 === 0 ? 40 : 0 })));
      expect(bytesToHex(payload)).toBe(`0000000109f0000001${bytesToHex(piece)}`);
      expect(header?.payloadLength).toBe(size + 9);
    }
  });

  it('is written where it is asked to be, and nowhere else', () => {
    const muxer = new TsMuxer({ video: 'h264' });
    const unit = video([new Uint8Array(500).fill(3)], { keyframe: true });
    const size = muxer.videoSize(unit);
    const target = new Uint8Array(size + 20).fill(0xaa);
    expect(muxer.writeVideo(target, 10, unit)).toBe(size + 10);
    expect(bytesToHex(target.subarray(0, 10))).toBe('aa'.repeat(10));
    expect(bytesToHex(target.subarray(size + 10))).toBe('aa'.repeat(10));
    expect(bytesToHex(target.subarray(10, size + 10))).toBe(
      bytesToHex(muxVideo(new TsMuxer({ video: 'h264' }), unit)),
    );
  });

  it('several frames of audio go into one', () => {
    const muxer = new TsMuxer({ audio: 'aac' });
    const pieces = [hexToBytes('fff1'), hexToBytes('0102'), new Uint8Array(0), hexToBytes('03')];
    expect(payloadHex(muxAudio(muxer, { pts: 0, pcr: true, pieces }))).toBe('fff1010203');
    expect(muxer.audioSize({ pts: 0, pcr: true, pieces: [] })).toBe(0);
    expect(muxer.writeAudio(new Uint8Array(0), 0, { pts: 0, pcr: true, pieces: [] })).toBe(0);
  });

  it('only video goes without a length', () => {
    const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
    const large = pesOf(muxVideo(muxer, video([new Uint8Array(70_000).fill(1)])));
    expect(large.header?.payloadLength).toBeUndefined();
    expect(large.payload.length).toBe(70_009);
    const most = { pts: 0, pcr: false, pieces: [new Uint8Array(TS_MAX_AUDIO_BYTES)] };
    expect(pesOf(muxAudio(muxer, most)).header?.payloadLength).toBe(TS_MAX_AUDIO_BYTES);
    const more = { pts: 0, pcr: false, pieces: [new Uint8Array(TS_MAX_AUDIO_BYTES), SLICE] };
    expect(codeOf(() => muxer.audioSize(more))).toBe('limit-exceeded');
  });

  it('a stream that the program has not is refused', () => {
    expect(codeOf(() => new TsMuxer({ audio: 'aac' }).videoSize(video([IDR])))).toBe('bad-value');
    const muxer = new TsMuxer({ video: 'h264' });
    expect(
      codeOf(() => muxer.writeAudio(new Uint8Array(376), 0, { pts: 0, pcr: false, pieces: [IDR] })),
    ).toBe('bad-value');
  });
});
