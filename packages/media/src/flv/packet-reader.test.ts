import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import {
  type AudioTrack,
  type LentPacket,
  type Packet,
  parseDecoderConfiguration,
  type VideoTrack,
  withConfiguration,
} from '../model/index.ts';
import { FlvPacketReader, FlvTagType } from './index.ts';

/** What encoders wrote: x264, x265, libaom, libopus. */
const AVC = '0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800';
const AVC_2 = '0142c01effe100186742c01ed900a42fe224c04400000fa40003a9803c58b92001000468ce0f2c';
const HEVC =
  '01016000000090000000000078f000fcfdf8f800000f03a00001001840010c01ffff016000000300900000030000030078959409' +
  'a10001002c420101016000000300900000030000030078a003c0801107536595952930bc05a02000000300200000030321' +
  'a2000100064401c073c189';
const AV1 = '81000c000a0b000000043d06d4daf90040';
const OPUS = '4f707573486561640102380180bb0000000000';
const IDR = '00000002 6588';
const SLICE = '00000002 419a';

const { audio, script, video } = FlvTagType;

/** Reads one message, of which exactly one packet is to come. */
function one(reader: FlvPacketReader, type: FlvTagType, hex: string, timestamp = 0): LentPacket {
  const packets = reader.read(type, timestamp, hexToBytes(hex));
  const [packet] = packets;
  if (packet === undefined || packets.length !== 1) throw new Error(`${packets.length} packets of ${hex}`);
  expect(reader.problem).toBeUndefined();
  return packet;
}

function payloadOf(packet: Packet | undefined): string | undefined {
  return packet === undefined ? undefined : bytesToHex(packet.payload);
}

function text(hex: string): string {
  return bytesToHex(hexToBytes(hex));
}

function partHex(id: number, payload: string): string {
  const bytes = text(payload);
  return id.toString(16).padStart(2, '0') + (bytes.length / 2).toString(16).padStart(6, '0') + bytes;
}

/** A message of tracks of one codec. */
function manyTracks(
  first: '95' | '96' | 'a6',
  packetType: number,
  fourCC: string,
  parts: readonly (readonly [id: number, payload: string])[],
): string {
  return `${first}1${packetType}${fourCC}${parts.map(([id, payload]) => partHex(id, payload)).join('')}`;
}

/** A message of tracks that have codecs of their own. */
function manyCodecs(
  first: '95' | '96' | 'a6',
  packetType: number,
  parts: readonly (readonly [fourCC: string, id: number, payload: string])[],
): string {
  return `${first}2${packetType}${parts.map(([fourCC, id, payload]) => fourCC + partHex(id, payload)).join('')}`;
}

describe('packets of video', () => {
  it.each([
    ['12', 'h263', true],
    ['22', 'h263', false],
    ['13', 'screen', true],
    ['14', 'vp6', true],
    ['15', 'vp6a', true],
    ['16', 'screen2', true],
    ['1701000028', 'h264', true],
    ['2701000028', 'h264', false],
    ['1c01000028', 'hevc', true],
    ['1d01000000', 'av1', true],
    ['9161766331000028', 'h264', true],
    ['9361766331', 'h264', true],
    ['a168766331000028', 'hevc', false],
    ['9368766331', 'hevc', true],
    ['9161763031', 'av1', true],
    ['9176703038', 'vp8', true],
    ['a176703039', 'vp9', false],
    ['9176766331000028', 'vvc', true],
    ['a376766331', 'vvc', false],
  ] as const)('%s is of codec %s', (head, codec, keyframe) => {
    const body = hexToBytes(`${head}00000001aa`);
    const reader = new FlvPacketReader();
    const [packet] = reader.read(video, 1234, body);
    const hasTime = head.endsWith('000028');
    expect(packet).toMatchObject({
      lent: true,
      type: 'media',
      keyframe,
      timestamp: 1234,
      decodeTime: 1234,
      compositionOffset: hasTime ? 40 : 0,
      presentationTime: hasTime ? 1274 : 1234,
      flvHeader: undefined,
      part: 0,
      parts: 1,
      nanoseconds: 0,
      payloadStart: head.length / 2,
      payloadEnd: body.length,
      track: { kind: 'video', codec, id: 0, timescale: 1000, primary: true, configuration: undefined },
    });
    expect(packet?.body).toBe(body);
    expect(payloadOf(packet)).toBe('00000001aa');
    expect(packet?.track).toBe(reader.tracks[0]);
  });

  it('configurations, legacy and enhanced', () => {
    for (const [head, record, codec, width] of [
      ['1700000000', AVC, 'h264', 320],
      ['9061766331', AVC, 'h264', 320],
      ['1c00000000', HEVC, 'hevc', 1918],
      ['9068766331', HEVC, 'hevc', 1918],
      ['1d00000000', AV1, 'av1', 322],
      ['9061763031', AV1, 'av1', 322],
    ] as const) {
      const reader = new FlvPacketReader();
      const packet = one(reader, video, head + record);
      expect(packet).toMatchObject({ type: 'configuration', keyframe: false, track: { codec, width } });
      expect(payloadOf(packet)).toBe(record);
      expect(packet.track.configuration).toMatchObject({ codec, readable: true, problem: undefined });
      expect(reader.tracks).toEqual([packet.track]);
    }
  });

  it('a configuration is remembered, and a repeated one keeps the same track', () => {
    const reader = new FlvPacketReader();
    const first = one(reader, video, `1700000000${AVC}`);
    const frame = one(reader, video, `1701000000${IDR}`);
    expect(frame.track).toBe(first.track);
    expect(one(reader, video, `1700000000${AVC}`).track).toBe(first.track);
    expect(one(reader, video, `9061766331${AVC}`).track).toBe(first.track);
    const changed = one(reader, video, `1700000000${AVC_2}`);
    expect(changed.track).not.toBe(first.track);
    expect(changed.track).toMatchObject({ codec: 'h264', width: 642, height: 362 });
    expect(one(reader, video, `2701000000${SLICE}`).track).toBe(changed.track);
    // What was read before says what held then.
    expect(frame.track).toMatchObject({ width: 320, height: 180 });
  });

  it('a configuration has memory of its own', () => {
    const reader = new FlvPacketReader();
    const body = hexToBytes(`1700000000${AVC}`);
    const [packet] = reader.read(video, 0, body);
    body.fill(0);
    expect(bytesToHex(packet?.track.configuration?.record ?? body)).toBe(AVC);
    const buffer = Buffer.from(`1700000000${AVC_2}`, 'hex');
    reader.read(video, 0, buffer);
    buffer.fill(0);
    expect(bytesToHex(reader.tracks[0]?.configuration?.record ?? body)).toBe(AVC_2);
  });

  it('a broken configuration keeps the former one', () => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, video, `1700000000${AVC}`);
    const broken = one(reader, video, '1700000000 0164');
    expect(broken.type).toBe('configuration');
    expect(broken.track.configuration).toMatchObject({ readable: false });
    expect(broken.track.configuration?.problem).toMatch(/\w/);
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(track);
    expect(one(reader, video, `1700000000${AVC}`).track).toBe(track);
  });

  it('a broken configuration is what there is when none was before', () => {
    const reader = new FlvPacketReader();
    const broken = one(reader, video, '1700000000 0164');
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(broken.track);
    expect(one(reader, video, '1700000000 0164').track).toBe(broken.track);
    expect(one(reader, video, `1700000000${AVC}`).track.configuration?.readable).toBe(true);
  });

  it('a configuration of MPEG-2 TS is passed on, and replaces none that can be read', () => {
    const reader = new FlvPacketReader();
    const packet = one(reader, video, '9561763031 800a0b');
    expect(packet).toMatchObject({ type: 'configuration', track: { codec: 'av1' } });
    expect(packet.track.configuration).toMatchObject({ readable: false, problem: undefined });
    const known = one(reader, video, `9061763031${AV1}`);
    one(reader, video, '9561763031 800a0b');
    expect(reader.tracks[0]).toBe(known.track);
  });

  it('an SPS may be passed over', () => {
    const reader = new FlvPacketReader({ parseSps: false });
    expect(one(reader, video, `1700000000${AVC}`).track).toMatchObject({ width: undefined });
    reader.parseSps = true;
    expect(one(reader, video, `1700000000${AVC_2}`).track).toMatchObject({ width: 642 });
  });

  it('another codec: another track object of the same id, and the first one comes back as it was', () => {
    const reader = new FlvPacketReader();
    const avc = one(reader, video, `1700000000${AVC}`).track;
    const hevc = one(reader, video, `9068766331${HEVC}`).track;
    expect(hevc).toMatchObject({ codec: 'hevc', id: 0, primary: true, width: 1918 });
    expect(one(reader, video, `9368766331${SLICE}`).track).toBe(hevc);
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(avc);
    expect(one(reader, video, `9368766331${SLICE}`).track).toBe(hevc);
    expect(one(reader, video, '9176703038aa').track).toMatchObject({
      codec: 'vp8',
      configuration: undefined,
    });
    expect(one(reader, video, `9368766331${SLICE}`).track).toBe(hevc);
    expect(reader.tracks).toHaveLength(1);
  });

  it.each([
    ['H.263', '12', '0000853580', { width: 176, height: 144 }, '0000853680', { width: 320, height: 240 }],
    ['Screen video', '13', '32803168', { width: 640, height: 360 }, '314030b4', { width: 320, height: 180 }],
    [
      'VP6',
      '14',
      '003c30000002030203',
      { width: 48, height: 32 },
      '003c30000004060406',
      { width: 96, height: 64 },
    ],
  ])('P012 %s says its size itself', (_, head, picture, size, other, otherSize) => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, video, head + picture);
    expect(track).toMatchObject(size);
    // The same size again keeps the track; pictures between keyframes say nothing.
    expect(one(reader, video, head + picture).track).toBe(track);
    expect(one(reader, video, `2${head.slice(1)}${other}`).track).toBe(track);
    const next = one(reader, video, head + other).track;
    expect(next).toMatchObject(otherSize);
    expect(track).toMatchObject(size);
    expect(reader.tracks[0]).toBe(next);
  });

  it.each([
    ['1702000000', 'h264'],
    ['9261763031', 'av1'],
    ['9468766331aabb', 'hevc'],
    ['9868766331', 'hevc'],
    ['1703000000', 'h264'],
  ])('%s goes along as it is', (hex, codec) => {
    const packet = one(new FlvPacketReader(), video, hex);
    expect(packet).toMatchObject({ type: 'control', keyframe: false, track: { codec } });
    expect(bytesToHex(packet.body)).toBe(hex);
  });

  it('P011 frame types and codecs that do not exist make no packet', () => {
    const reader = new FlvPacketReader();
    for (const hex of [
      '',
      '07',
      '0701000000',
      '1f',
      '10',
      '67',
      '7701000000',
      '17010000',
      '9168656c6f',
      '9061',
    ]) {
      expect(reader.read(video, 0, hexToBytes(hex))).toEqual([]);
      expect(reader.problem).toBe('bad-video-header');
    }
    expect(reader.tracks).toEqual([]);
    one(reader, video, `1701000000${IDR}`);
  });
});

describe('P015 commands', () => {
  it('of Enhanced RTMP name no codec: they go along with the track that there is', () => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, video, `1700000000${AVC}`);
    for (const hex of ['d000', 'd001']) {
      const packet = one(reader, video, hex, 7);
      expect(packet).toMatchObject({ type: 'control', keyframe: false, timestamp: 7 });
      expect(packet.track).toBe(track);
      expect(payloadOf(packet)).toBe(hex.slice(2));
    }
  });

  it('go along with the first track, whatever its id', () => {
    const reader = new FlvPacketReader();
    const [first] = reader.read(video, 0, hexToBytes(`9600 61766331 05 ${AVC}`));
    expect(one(reader, video, 'd000').track).toBe(first?.track);
    expect(one(reader, video, '5700').track).toBe(first?.track);
  });

  it('before anything else make no track', () => {
    const reader = new FlvPacketReader();
    expect(one(reader, video, 'd000').track).toMatchObject({
      kind: 'video',
      codec: 'unknown',
      primary: true,
    });
    expect(one(reader, video, '5700').track).toMatchObject({ kind: 'video', codec: 'h264', primary: true });
    expect(reader.tracks).toEqual([]);
    expect(one(reader, video, '9176703038aa').track).toMatchObject({ codec: 'vp8', primary: true });
  });

  it('that name another codec change no track', () => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, video, '13 3280 3168');
    expect(track).toMatchObject({ width: 640 });
    expect(one(reader, video, '5200').track).toBe(track);
    expect(one(reader, video, '23 3280 3168').track).toBe(track);
  });
});

describe('packets of audio', () => {
  it.each([
    ['af01', 'aac', undefined, undefined],
    ['2f', 'mp3', 44_100, 2],
    ['2a', 'mp3', 22_050, 1],
    ['e2', 'mp3', 8000, 1],
    ['00', 'pcm', 5512, 1],
    ['17', 'adpcm', 11_025, 2],
    ['3f', 'pcm-le', 44_100, 2],
    ['42', 'nellymoser', 16_000, 1],
    ['52', 'nellymoser', 8000, 1],
    ['6b', 'nellymoser', 22_050, 2],
    ['72', 'g711a', 8000, 1],
    ['83', 'g711u', 8000, 2],
    ['b2', 'speex', 16_000, 1],
    ['ff', 'device', 44_100, 2],
    ['916d703461', 'aac', undefined, undefined],
    ['912e6d7033', 'mp3', undefined, undefined],
    ['914f707573', 'opus', undefined, undefined],
    ['91664c6143', 'flac', undefined, undefined],
    ['9161632d33', 'ac3', undefined, undefined],
    ['9165632d33', 'eac3', undefined, undefined],
    ['9168656c6f', 'unknown', undefined, undefined],
    ['cf', 'unknown', 44_100, 2],
  ] as const)('P010 %s is of codec %s', (head, codec, sampleRate, channels) => {
    const body = hexToBytes(`${head}aabbcc`);
    const reader = new FlvPacketReader();
    const [packet] = reader.read(audio, 77, body);
    expect(packet).toMatchObject({
      lent: true,
      type: 'media',
      keyframe: false,
      timestamp: 77,
      compositionOffset: 0,
      flvHeader: undefined,
      payloadStart: head.length / 2,
      payloadEnd: body.length,
      track: { kind: 'audio', codec, id: 0, primary: true, sampleRate, channels },
    });
    expect(packet?.body).toBe(body);
    expect(payloadOf(packet)).toBe('aabbcc');
  });

  it('configurations, legacy and enhanced', () => {
    for (const [head, record, facts] of [
      ['af00', '1210', { codec: 'aac', sampleRate: 44_100, channels: 2 }],
      ['af00', '1188', { codec: 'aac', sampleRate: 48_000, channels: 1 }],
      ['906d703461', '1190', { codec: 'aac', sampleRate: 48_000, channels: 2 }],
      ['904f707573', OPUS, { codec: 'opus', sampleRate: 48_000, channels: 2 }],
      ['90664c6143', '664c6143', { codec: 'flac', sampleRate: undefined, channels: undefined }],
    ] as const) {
      const reader = new FlvPacketReader();
      const packet = one(reader, audio, head + record);
      expect(packet).toMatchObject({ type: 'configuration', track: facts });
      expect(payloadOf(packet)).toBe(record);
      const again = one(reader, audio, head + record);
      expect(again.track).toBe(packet.track);
      expect(reader.tracks).toEqual([packet.track]);
    }
  });

  it('a broken configuration keeps the former one', () => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, audio, 'af001210');
    expect(one(reader, audio, 'af0012').track.configuration?.problem).toMatch(/\w/);
    expect(one(reader, audio, 'af00').track.configuration?.readable).toBe(false);
    expect(one(reader, audio, 'af01aabb').track).toBe(track);
  });

  it('MP3 changes its rate as its header says', () => {
    const reader = new FlvPacketReader();
    const first = one(reader, audio, '2faa').track;
    expect(one(reader, audio, '2fbb').track).toBe(first);
    const slower = one(reader, audio, '2aaa').track;
    expect(slower).toMatchObject({ codec: 'mp3', sampleRate: 22_050, channels: 1, primary: true });
    expect(first).toMatchObject({ sampleRate: 44_100, channels: 2 });
    expect(one(reader, audio, '2bbb').track).toMatchObject({ sampleRate: 22_050, channels: 2 });
    // An enhanced header says none.
    expect(one(reader, audio, '912e6d7033cc').track).toMatchObject({ sampleRate: 22_050, channels: 2 });
  });

  it('a configuration of a codec that has none leaves the rate', () => {
    const reader = new FlvPacketReader();
    one(reader, audio, '2faa');
    expect(one(reader, audio, '902e6d703300').track).toMatchObject({ sampleRate: 44_100, channels: 2 });
    expect(one(reader, audio, '2aaa').track).toMatchObject({ sampleRate: 22_050, channels: 1 });
  });

  it('another codec and back', () => {
    const reader = new FlvPacketReader();
    const aac = one(reader, audio, 'af001210').track;
    const mp3 = one(reader, audio, '2faa').track;
    expect(mp3).toMatchObject({ codec: 'mp3', sampleRate: 44_100, configuration: undefined });
    expect(one(reader, audio, 'af01aa').track).toBe(aac);
    expect(one(reader, audio, `904f707573${OPUS}`).track).toMatchObject({ codec: 'opus', primary: true });
    expect(one(reader, audio, 'af01aa').track).toBe(aac);
    expect(reader.tracks).toHaveLength(1);
  });

  it.each(['924f707573', '944f7075730002', 'af02', '934f707573'])('%s goes along as it is', (hex) => {
    expect(one(new FlvPacketReader(), audio, hex)).toMatchObject({ type: 'control' });
  });

  it.each(['', 'af', '91', '914f70', '95', '9511'])('%s makes no packet', (hex) => {
    const reader = new FlvPacketReader();
    expect(reader.read(audio, 0, hexToBytes(hex))).toEqual([]);
    expect(reader.problem).toBe('bad-audio-header');
    expect(reader.tracks).toEqual([]);
  });
});

describe('packets of data', () => {
  it('are one for each message, of one track', () => {
    const reader = new FlvPacketReader();
    const body = hexToBytes('02000a6f6e4d65746144617461');
    const [first] = reader.read(script, 5, body);
    expect(first).toMatchObject({
      type: 'data',
      timestamp: 5,
      track: { kind: 'data', codec: 'amf0', primary: true },
      payloadStart: 0,
      payloadEnd: body.length,
    });
    expect(first?.body).toBe(body);
    expect(one(reader, script, '').track).toBe(first?.track);
    expect(reader.tracks).toEqual([]);
  });
});

describe('several tracks', () => {
  it('one message makes a packet for each, which share its body', () => {
    const reader = new FlvPacketReader();
    const body = hexToBytes(
      manyTracks('96', 1, '61766331', [
        [0, `000014 ${IDR}`],
        [1, `ffffd8 ${SLICE}`],
      ]),
    );
    const packets = reader.read(video, 40, body);
    expect(reader.problem).toBeUndefined();
    expect(packets).toMatchObject([
      { part: 0, parts: 2, keyframe: true, compositionOffset: 20, track: { id: 0, primary: true } },
      { part: 1, parts: 2, keyframe: true, compositionOffset: -40, track: { id: 1, primary: false } },
    ]);
    for (const packet of packets) {
      expect(packet.body).toBe(body);
      expect(packet.timestamp).toBe(40);
      expect(packet.flvSize).toBe(body.length);
    }
    expect(packets.map(payloadOf)).toEqual([text(IDR), text(SLICE)]);
  });

  it('each has its own codec, configuration and size', () => {
    const reader = new FlvPacketReader();
    const configurations = reader.read(
      video,
      0,
      hexToBytes(
        manyCodecs('96', 0, [
          ['61766331', 0, AVC],
          ['68766331', 1, HEVC],
          ['61763031', 2, AV1],
        ]),
      ),
    );
    expect(configurations).toMatchObject([
      { type: 'configuration', track: { id: 0, codec: 'h264', width: 320, primary: true } },
      { type: 'configuration', track: { id: 1, codec: 'hevc', width: 1918, primary: false } },
      { type: 'configuration', track: { id: 2, codec: 'av1', width: 322, primary: false } },
    ]);
    const frames = reader.read(
      video,
      0,
      hexToBytes(
        manyCodecs('a6', 3, [
          ['61766331', 0, SLICE],
          ['61763031', 2, '1200 3203100000'],
          ['68766331', 1, SLICE],
        ]),
      ),
    );
    expect(frames.map(({ track }) => track)).toEqual([0, 2, 1].map((id) => configurations[id]?.track));
    expect(frames.map(payloadOf)).toEqual([text(SLICE), '3203100000', text(SLICE)]);
    expect(frames.every(({ keyframe }) => !keyframe)).toBe(true);
    // A message of the first track alone, in the legacy form.
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(configurations[0]?.track);
    expect(reader.tracks.map(({ id }) => id)).toEqual([0, 1, 2]);
  });

  it('audio tracks, next to those of video', () => {
    const reader = new FlvPacketReader();
    const packets = reader.read(
      audio,
      9,
      hexToBytes(
        manyCodecs('95', 0, [
          ['6d703461', 0, '1210'],
          ['4f707573', 7, OPUS],
        ]),
      ),
    );
    expect(packets).toMatchObject([
      { type: 'configuration', part: 0, parts: 2, track: { id: 0, codec: 'aac', sampleRate: 44_100 } },
      { type: 'configuration', part: 1, parts: 2, track: { id: 7, codec: 'opus', sampleRate: 48_000 } },
    ]);
    one(reader, video, `1700000000${AVC}`);
    expect(reader.tracks.map(({ kind, id, primary }) => [kind, id, primary])).toEqual([
      ['video', 0, true],
      ['audio', 0, true],
      ['audio', 7, false],
    ]);
    const [frame] = reader.read(audio, 9, hexToBytes(manyTracks('95', 1, '4f707573', [[7, 'aabb']])));
    expect(frame?.track).toBe(packets[1]?.track);
  });

  it('the first one of its kind is the primary one, whatever its id', () => {
    const reader = new FlvPacketReader();
    expect(one(reader, video, '9601 76703038 05 aa').track).toMatchObject({ id: 5, primary: true });
    expect(one(reader, video, '9176703038aa').track).toMatchObject({ id: 0, primary: false });
    expect(one(reader, audio, '9501 4f707573 03 aa').track).toMatchObject({ id: 3, primary: true });
    expect(one(reader, audio, 'af01aa').track).toMatchObject({ id: 0, primary: false });
    // A new codec does not change that.
    expect(one(reader, video, '9601 76703039 05 aa').track).toMatchObject({ codec: 'vp9', primary: true });
    expect(one(reader, video, '9176703039aa').track).toMatchObject({ codec: 'vp9', primary: false });
  });

  it('nanoseconds are of all packets of a message', () => {
    const reader = new FlvPacketReader();
    const packets = reader.read(
      video,
      40,
      hexToBytes(`97 02 0003e8 06 11 76703038 00 000001 aa 01 000001 bb`),
    );
    expect(packets.map(({ nanoseconds, timestamp }) => [timestamp, nanoseconds])).toEqual([
      [40, 1000],
      [40, 1000],
    ]);
    expect(one(reader, audio, '97 02 0f423f 01 4f707573 aa').nanoseconds).toBe(999_999);
  });

  it('one that is cut is left out, and said', () => {
    const reader = new FlvPacketReader();
    const body = hexToBytes('96 11 76703038 00 000001 aa 01 000005 bb');
    expect(reader.read(video, 0, body)).toMatchObject([{ part: 0, track: { id: 0 } }]);
    expect(reader.problem).toBe('bad-video-header');
    const sound = hexToBytes('95 11 4f707573 00 000001 aa 01 0000');
    expect(reader.read(audio, 0, sound)).toMatchObject([{ part: 0, track: { id: 0 } }]);
    expect(reader.problem).toBe('bad-audio-header');
    one(reader, audio, 'af01aa');
  });

  it('a codec that does not exist costs its own part', () => {
    const reader = new FlvPacketReader();
    for (const parts of [
      [
        ['68656c6f', 3, 'aa'],
        ['76703038', 1, 'bb'],
      ],
      [
        ['76703038', 1, 'bb'],
        ['68656c6f', 3, 'aa'],
      ],
    ] as const) {
      const packets = reader.read(video, 0, hexToBytes(manyCodecs('96', 1, parts)));
      expect(packets).toMatchObject([{ part: 0, parts: 2, track: { id: 1, codec: 'vp8', primary: true } }]);
      expect(payloadOf(packets[0])).toBe('bb');
      expect(reader.problem).toBe('bad-video-header');
    }
    // Nor is it taken for the codec that its track had.
    reader.read(video, 0, hexToBytes(manyCodecs('96', 1, [['68656c6f', 1, 'aa']])));
    expect(reader.problem).toBe('bad-video-header');
    expect(reader.tracks).toMatchObject([{ id: 1, codec: 'vp8' }]);
  });

  it('16 of each kind, unless it is said otherwise', () => {
    const reader = new FlvPacketReader();
    for (let id = 0; id < 16; id += 1) {
      one(reader, video, manyTracks('96', 1, '76703038', [[id, 'aa']]));
      one(reader, audio, manyTracks('95', 1, '4f707573', [[id, 'aa']]));
    }
    expect(reader.tracks).toHaveLength(32);
    expect(reader.read(video, 0, hexToBytes(manyTracks('96', 1, '76703038', [[16, 'aa']])))).toEqual([]);
    expect(reader.problem).toBe('too-many-tracks');
    expect(reader.read(audio, 0, hexToBytes(manyTracks('95', 1, '4f707573', [[16, 'aa']])))).toEqual([]);
    expect(reader.problem).toBe('too-many-tracks');
    // Those that there are go on, and may change.
    one(reader, video, manyTracks('96', 1, '76703039', [[15, 'aa']]));
    one(reader, audio, manyTracks('95', 1, '6d703461', [[15, 'aa']]));
    const more = new FlvPacketReader({ maxTracks: 256 });
    for (let id = 0; id < 256; id += 1) one(more, video, manyTracks('96', 1, '76703038', [[id, 'aa']]));
    expect(more.tracks).toHaveLength(256);
  });

  it('a message of more tracks than there may be makes packets of the others', () => {
    const reader = new FlvPacketReader({ maxTracks: 2 });
    const three = manyTracks('96', 1, '76703038', [
      [0, 'aa'],
      [1, 'bb'],
      [2, 'cc'],
    ]);
    const packets = reader.read(video, 0, hexToBytes(three));
    expect(packets).toMatchObject([
      { part: 0, parts: 3 },
      { part: 1, parts: 3 },
    ]);
    expect(reader.problem).toBe('too-many-tracks');
    const seventeen = Array.from({ length: 17 }, (_, id) => [id, 'aa'] as const);
    const all = new FlvPacketReader();
    expect(all.read(audio, 0, hexToBytes(manyTracks('95', 1, '4f707573', seventeen)))).toHaveLength(16);
    expect(all.problem).toBe('too-many-tracks');
  });

  it('a track may come twice in one message', () => {
    const reader = new FlvPacketReader();
    const twice = manyTracks('96', 1, '76703038', [
      [1, 'aa'],
      [1, 'bb'],
    ]);
    const packets = reader.read(video, 0, hexToBytes(twice));
    expect(packets.map(payloadOf)).toEqual(['aa', 'bb']);
    expect(packets[0]?.track).toBe(packets[1]?.track);
  });
});

describe('what a publisher can make the reader hold', () => {
  it('is not megabytes of configuration', () => {
    const reader = new FlvPacketReader();
    const { track } = one(reader, video, `1700000000${AVC}`);
    const large = new Uint8Array(1024 * 1024);
    for (const [type, head] of [
      [video, '1700000000'],
      [video, '9061763031'],
      [video, '9561763031'],
      [video, '9600 61763031 05'],
      [audio, 'af00'],
      [audio, '904f707573'],
    ] as const) {
      expect(reader.read(type, 0, concatBytes([hexToBytes(head), large]))).toEqual([]);
      expect(reader.problem).toBe('configuration-too-large');
    }
    expect(reader.tracks).toEqual([track]);
    // Frames may be as long as they like.
    expect(reader.read(video, 0, concatBytes([hexToBytes('9176703038'), large]))).toHaveLength(1);
  });
});

describe('configure and reset', () => {
  it('packets that follow are decoded by the configuration that the frames brought', () => {
    const reader = new FlvPacketReader();
    const track = one(reader, video, `1700000000${AVC}`).track as VideoTrack;
    const changed = withConfiguration(track, parseDecoderConfiguration('h264', hexToBytes(AVC_2)));
    reader.configure(changed);
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(changed);
    // The publisher's own is another one again.
    const back = one(reader, video, `1700000000${AVC}`).track;
    expect(back).toEqual(track);
    expect(one(reader, video, `1701000000${IDR}`).track).toBe(back);
    const sound = one(reader, audio, 'af01aa').track as AudioTrack;
    const told = withConfiguration(sound, parseDecoderConfiguration('aac', hexToBytes('1210')));
    reader.configure(told);
    expect(one(reader, audio, 'af01aa').track).toBe(told);
    expect(reader.tracks).toEqual([back, told]);
  });

  it('after a reset nothing is known', () => {
    const reader = new FlvPacketReader();
    one(reader, video, `1700000000${AVC}`);
    one(reader, video, `9068766331${HEVC}`);
    one(reader, audio, 'af001210');
    reader.read(video, 0, new Uint8Array(0));
    reader.reset();
    expect(reader.problem).toBeUndefined();
    expect(reader.tracks).toEqual([]);
    expect(one(reader, video, '9601 76703038 05 aa').track).toMatchObject({ id: 5, primary: true });
    expect(one(reader, audio, 'af01aa').track.configuration).toBeUndefined();
    one(reader, video, `9068766331${HEVC}`);
    expect(one(reader, video, `1701000000${IDR}`).track.configuration).toBeUndefined();
  });
});

describe('any bytes', () => {
  const corpus: readonly (readonly [FlvTagType, string])[] = [
    [video, `1700000000${AVC}`],
    [video, `1701000028${IDR}`],
    [video, `9068766331${HEVC}`],
    [video, `9168766331000028${SLICE}`],
    [video, `9061763031${AV1}`],
    [video, '9161763031 1200 3203100000'],
    [video, '97 02 0003e8 06 11 76703038 00 000001 aa 01 000001 bb'],
    [
      video,
      manyCodecs('96', 0, [
        ['61766331', 0, AVC],
        ['68766331', 1, HEVC],
        ['61763031', 2, AV1],
      ]),
    ],
    [
      video,
      manyCodecs('a6', 1, [
        ['61766331', 0, `000014${SLICE}`],
        ['76703039', 1, '8600'],
      ]),
    ],
    [video, '9600 61766331 05'],
    [video, '12 000084d34000'],
    [video, '14 00004600000203 0203'],
    [video, 'd000'],
    [audio, 'af001210'],
    [audio, 'af01211004'],
    [audio, '2faabb'],
    [audio, `904f707573${OPUS}`],
    [
      audio,
      manyCodecs('95', 0, [
        ['6d703461', 0, '1210'],
        ['4f707573', 7, OPUS],
      ]),
    ],
    [
      audio,
      manyTracks('95', 1, '4f707573', [
        [0, 'aabb'],
        [7, 'cc'],
      ]),
    ],
    [script, '02000a6f6e4d65746144617461'],
  ];
  const seeds = corpus.map(([type, hex]) => [type, hexToBytes(hex)] as const);

  function check(reader: FlvPacketReader, type: FlvTagType, body: Uint8Array): void {
    const before = bytesToHex(body);
    const packets = reader.read(type, 1000, body);
    expect(packets.length > 0 || reader.problem !== undefined).toBe(true);
    let end = 0;
    for (const [index, packet] of packets.entries()) {
      expect(packet.part).toBe(index);
      expect(packet.parts).toBeGreaterThanOrEqual(packets.length);
      expect(packet.body).toBe(body);
      expect(packet.payloadStart).toBeGreaterThanOrEqual(end);
      expect(packet.payloadEnd).toBeGreaterThanOrEqual(packet.payloadStart);
      expect(packet.payloadEnd).toBeLessThanOrEqual(body.length);
      end = packet.payloadEnd;
      expect(packet.rawPayload.buffer).toBe(body.buffer);
      expect(packet.rawPayload.byteOffset).toBe(body.byteOffset + packet.payloadStart);
      expect(packet.payload.length).toBeLessThanOrEqual(5 * packet.payloadSize);
      expect(Math.abs(packet.compositionOffset)).toBeLessThanOrEqual(0x800000);
      expect(packet.nanoseconds).toBeLessThanOrEqual(999_999);
      const { track } = packet;
      expect(track.configuration === undefined || track.configuration.codec === track.codec).toBe(true);
      if (packet.type === 'media' && track.kind !== 'data') expect(reader.tracks).toContain(track);
    }
    expect(bytesToHex(body)).toBe(before);
    for (const kind of ['video', 'audio'] as const) {
      const tracks = reader.tracks.filter((track) => track.kind === kind);
      expect(tracks.length).toBeLessThanOrEqual(16);
      expect(tracks.map(({ primary }) => primary)).toEqual(tracks.map((_, index) => index === 0));
      expect(new Set(tracks.map(({ id }) => id)).size).toBe(tracks.length);
    }
  }

  it('damaged messages in any order: nothing is thrown, and packets lie within their message', () => {
    const edits = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 });
    const damaged = fc
      .tuple(fc.constantFrom(...seeds), edits, fc.oneof(fc.constant(1000), fc.nat(200)))
      .map(([[type, seed], changes, length]) => {
        const body = seed.slice(0, length);
        for (const [offset, value] of changes) body[offset] = value;
        return [type, body] as const;
      });
    fc.assert(
      fc.property(fc.array(damaged, { minLength: 1, maxLength: 30 }), (messages) => {
        const reader = new FlvPacketReader();
        for (const [type, body] of messages) check(reader, type, body);
      }),
      { numRuns: 500 },
    );
  });

  it('noise: nothing is thrown, and packets lie within their message', () => {
    const type = fc.constantFrom(video, audio, script);
    const byte = fc.oneof(fc.constantFrom(0, 1, 0x11, 0x17, 0x90, 0x96, 0x95, 0x21), fc.nat(255));
    const body = fc.array(byte, { maxLength: 48 }).map((values) => Uint8Array.from(values));
    fc.assert(
      fc.property(fc.array(fc.tuple(type, body), { minLength: 1, maxLength: 12 }), (messages) => {
        const reader = new FlvPacketReader();
        for (const [kind, bytes] of messages) check(reader, kind, bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('a message that comes again makes the same packet, or the same problem', () => {
    const first = fc.constantFrom(
      0x17,
      0x27,
      0x37,
      0x47,
      0x57,
      0x07,
      0x67,
      0x77,
      0x97,
      0x12,
      0xaf,
      0xa0,
      0x2f,
    );
    const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0xff, 0x80), fc.nat(255));
    const rest = fc.array(byte, { maxLength: 9 });
    fc.assert(
      fc.property(fc.constantFrom(video, audio), first, rest, fc.boolean(), (type, head, tail, isKnown) => {
        const body = Uint8Array.of(head, ...tail);
        const reader = new FlvPacketReader();
        if (isKnown) {
          one(reader, video, `1700000000${AVC}`);
          one(reader, audio, 'af001210');
        }
        const before = [...reader.read(type, 7, body)];
        const { problem, tracks } = reader;
        expect([...reader.read(type, 7, body)]).toEqual(before);
        expect(reader.problem).toBe(problem);
        expect(reader.tracks).toEqual(tracks);
      }),
      { numRuns: 3000 },
    );
  });

  it('of the corpus itself every message is read', () => {
    const reader = new FlvPacketReader();
    for (const [type, body] of seeds) {
      check(reader, type, body);
      expect(reader.problem).toBeUndefined();
    }
  });
});
