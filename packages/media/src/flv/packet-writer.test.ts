import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  type AudioCodec,
  type AudioTrack,
  createAudioTrack,
  createVideoTrack,
  type Packet,
  parseDecoderConfiguration,
  type TrackOptions,
  type VideoCodec,
  type VideoTrack,
} from '../model/index.ts';
import {
  configurationPacket,
  FlvPacketReader,
  FlvTagType,
  flvTagTypeOf,
  mediaPacket,
  type MediaPacketOptions,
  singleTrackPacket,
} from './index.ts';

const AVC = '0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800';
const AVC_SHORT = AVC.replace('0164000cff', '0164000cfd');
const AV1 = '81000c000a0b000000043d06d4daf90040';
const OPUS = '4f707573486561640102380180bb0000000000';
const RECORDS: Partial<Record<VideoCodec | AudioCodec, string>> = {
  h264: AVC,
  av1: AV1,
  aac: '1210',
  opus: OPUS,
  flac: '664c6143',
  vp9: '000a820101010000',
};

/** Video codecs, whether FLV has composition times of them, and whether Enhanced RTMP names them. */
const VIDEO: readonly (readonly [VideoCodec, boolean, boolean])[] = [
  ['h263', false, false],
  ['screen', false, false],
  ['screen2', false, false],
  ['vp6', false, false],
  ['vp6a', false, false],
  ['h264', true, true],
  ['hevc', true, true],
  ['vvc', true, true],
  ['av1', false, true],
  ['vp8', false, true],
  ['vp9', false, true],
];
/** Audio codecs, what FLV says of their sound, and whether Enhanced RTMP names them. */
const AUDIO: readonly (readonly [AudioCodec, TrackOptions, boolean])[] = [
  ['aac', {}, true],
  ['mp3', { sampleRate: 44_100, channels: 2 }, true],
  ['mp3', { sampleRate: 22_050, channels: 1 }, true],
  ['mp3', { sampleRate: 8000, channels: 1 }, true],
  ['pcm', { sampleRate: 11_025, channels: 1 }, false],
  ['pcm-le', { sampleRate: 44_100, channels: 2 }, false],
  ['adpcm', { sampleRate: 5512, channels: 1 }, false],
  ['nellymoser', { sampleRate: 16_000, channels: 1 }, false],
  ['nellymoser', { sampleRate: 22_050, channels: 1 }, false],
  ['g711a', { sampleRate: 8000, channels: 1 }, false],
  ['g711u', { sampleRate: 8000, channels: 2 }, false],
  ['speex', { sampleRate: 16_000, channels: 1 }, false],
  ['device', { sampleRate: 44_100, channels: 2 }, false],
  ['opus', {}, true],
  ['flac', {}, true],
  ['ac3', {}, true],
  ['eac3', {}, true],
];

function recordOf(codec: VideoCodec | AudioCodec): TrackOptions {
  const record = RECORDS[codec];
  return record === undefined ? {} : { configuration: parseDecoderConfiguration(codec, hexToBytes(record)) };
}

/** The message as it goes over the wire. */
function bodyOf({ flvHeader, body }: Packet): Uint8Array {
  return concatBytes([flvHeader ?? new Uint8Array(0), body]);
}

/** What a reader makes of packets, each in a message of its own. */
function readBack(...packets: readonly Packet[]): readonly Packet[] {
  const reader = new FlvPacketReader();
  return packets.flatMap((packet) => {
    const read = reader.read(flvTagTypeOf(packet.track.kind), packet.timestamp, bodyOf(packet));
    expect(reader.problem).toBeUndefined();
    return read;
  });
}

/** What has to be the same on both sides. */
function factsOf(packet: Packet): object {
  const { track, type, keyframe, timestamp, compositionOffset, rawPayload, part, parts } = packet;
  const { kind, id, codec, configuration } = track;
  return {
    kind,
    id,
    codec,
    record: configuration && bytesToHex(configuration.record),
    type,
    keyframe,
    timestamp,
    compositionOffset,
    part,
    parts,
    payload: bytesToHex(rawPayload),
    flv: bytesToHex(bodyOf(packet)),
  };
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
}

describe('mediaPacket', () => {
  const payload = hexToBytes('000000026588');

  it('the payload is not copied, and keeps whose memory it is', () => {
    const track = createVideoTrack('vp8');
    const packet = mediaPacket({ track, decodeTime: 40, payload }, true);
    expect(packet.body).toBe(payload);
    expect(packet.lent).toBe(true);
    expect(bytesToHex(packet.flvHeader ?? payload)).toBe('a176703038');
    expect(mediaPacket({ track, decodeTime: 40, payload }, false).lent).toBe(false);
    expect(bytesToHex(packet.keep().body)).toBe('a176703038000000026588');
    expect(packet.keep().payload).toEqual(payload);
  });

  it.each(VIDEO)('%s is read as it was written', (codec, hasCompositionTime) => {
    for (const keyframe of [true, false]) {
      for (const compositionOffset of hasCompositionTime ? [0, 40, -40] : [0]) {
        const track = createVideoTrack(codec);
        const packet = mediaPacket({ track, decodeTime: 1234, compositionOffset, keyframe, payload }, true);
        expect(packet).toMatchObject({ type: 'media', keyframe, compositionOffset, timestamp: 1234 });
        expect(readBack(packet).map(factsOf)).toEqual([factsOf(packet)]);
      }
    }
  });

  it.each(AUDIO)('%s of %o is read as it was written', (codec, options) => {
    const track = createAudioTrack(codec, options);
    const packet = mediaPacket({ track, decodeTime: 1234, payload }, true);
    const [read] = readBack(packet);
    expect(read && factsOf(read)).toEqual(factsOf(packet));
    expect(read?.track).toMatchObject(options);
  });

  it.each(VIDEO)('%s of another track', (codec, hasCompositionTime, isEnhanced) => {
    const track = createVideoTrack(codec, { id: 7, primary: false });
    const options = { track, decodeTime: 5, keyframe: true, payload };
    if (!isEnhanced) {
      expect(codeOf(() => mediaPacket(options, true))).toBe('unsupported');
      return;
    }
    for (const compositionOffset of hasCompositionTime ? [0, 40, -40] : [0]) {
      const packet = mediaPacket({ ...options, compositionOffset }, true);
      expect(readBack(packet).map(factsOf)).toEqual([factsOf(packet)]);
    }
  });

  it.each(AUDIO)('%s of another track, %o', (codec, options, isEnhanced) => {
    const track = createAudioTrack(codec, { ...options, id: 255, primary: false });
    if (isEnhanced) {
      const packet = mediaPacket({ track, decodeTime: 5, payload }, true);
      expect(readBack(packet).map(factsOf)).toEqual([factsOf(packet)]);
    } else {
      expect(codeOf(() => mediaPacket({ track, decodeTime: 5, payload }, true))).toBe('unsupported');
    }
  });

  it('a message without an id is of track 0, which need not be the first one', () => {
    const first = createVideoTrack('h264', { id: 4, ...recordOf('h264') });
    const second = createVideoTrack('h264', { id: 0, primary: false });
    const configuration = configurationPacket(first, 0);
    const media = [first, second].map((track) => mediaPacket({ track, decodeTime: 0, payload }, true));
    expect(media.map(({ flvHeader }) => flvHeader?.[0])).toEqual([0xa6, 0x27]);
    expect(readBack(...(configuration ? [configuration] : []), ...media)).toMatchObject([
      { type: 'configuration', track: { id: 4, primary: true } },
      { track: { id: 4, primary: true, configuration: { codec: 'h264' } } },
      { track: { id: 0, primary: false } },
    ]);
    const [sound] = readBack(
      mediaPacket({ track: createAudioTrack('aac', { id: 3 }), decodeTime: 0, payload }, true),
    );
    expect(sound?.track).toMatchObject({ id: 3, primary: true });
  });

  it('ticks become the nearest ms, of the decode time and of the presentation time', () => {
    const track = createVideoTrack('h264', { timescale: 90_000 });
    const packet = mediaPacket({ track, decodeTime: 45, compositionOffset: 45, payload }, true);
    expect(packet).toMatchObject({ decodeTime: 45, compositionOffset: 45, timestamp: 1 });
    expect(readBack(packet)[0]).toMatchObject({ timestamp: 1, compositionOffset: 0, presentationTime: 1 });
    const ticks = fc.integer({ min: 0, max: 2 ** 40 });
    const scale = fc.constantFrom(1000, 25, 30_000, 90_000, 44_100);
    fc.assert(
      fc.property(
        ticks,
        fc.integer({ min: -90_000, max: 90_000 }),
        scale,
        (decodeTime, offset, timescale) => {
          const of = createVideoTrack('hevc', { timescale });
          const ticked = mediaPacket({ track: of, decodeTime, compositionOffset: offset, payload }, true);
          const [read] = readBack(ticked);
          expect(read?.timestamp).toBe(Math.round((decodeTime * 1000) / timescale));
          expect(read?.presentationTime).toBe(Math.round(((decodeTime + offset) * 1000) / timescale) + 0);
          expect(ticked.presentationTime).toBe(decodeTime + offset);
        },
      ),
    );
  });

  it('nanoseconds are of the packet, not of its header', () => {
    const track = createVideoTrack('hevc');
    const packet = mediaPacket({ track, decodeTime: 0, payload, nanoseconds: 500 }, true);
    expect(packet.nanoseconds).toBe(500);
    expect(mediaPacket({ track, decodeTime: 0, payload }, true).nanoseconds).toBe(0);
    expect(readBack(packet)[0]?.nanoseconds).toBe(0);
  });

  it.each([
    ['h264', true],
    ['hevc', true],
    ['h264', false],
  ] as const)('composition times of %s have 24 bits', (codec, primary) => {
    const track = createVideoTrack(codec, { id: primary ? 0 : 1, primary });
    const at = (compositionOffset: number): Packet =>
      mediaPacket({ track, decodeTime: 0, compositionOffset, payload }, true);
    for (const limit of [-0x800000, 0x7fffff]) {
      expect(readBack(at(limit))[0]?.compositionOffset).toBe(limit);
    }
    expect(codeOf(() => at(-0x800001))).toBe('bad-value');
    expect(codeOf(() => at(0x800000))).toBe('bad-value');
    expect(codeOf(() => at(Number.NaN))).toBe('bad-value');
  });

  it.each<readonly [string, Omit<MediaPacketOptions, 'decodeTime' | 'payload'>, string]>([
    ['an unknown video codec', { track: createVideoTrack('unknown') }, 'unsupported'],
    ['an unknown audio codec', { track: createAudioTrack('unknown') }, 'unsupported'],
    ['AV1 with composition times', { track: createVideoTrack('av1'), compositionOffset: 40 }, 'unsupported'],
    ['VP6 with composition times', { track: createVideoTrack('vp6'), compositionOffset: 40 }, 'unsupported'],
    ['PCM of 48 kHz', { track: createAudioTrack('pcm', { sampleRate: 48_000 }) }, 'bad-value'],
    ['PCM of 6 channels', { track: createAudioTrack('pcm', { channels: 6 }) }, 'bad-value'],
    ['G.711 of 16 kHz', { track: createAudioTrack('g711a', { sampleRate: 16_000 }) }, 'bad-value'],
    ['Speex of 8 kHz', { track: createAudioTrack('speex', { sampleRate: 8000 }) }, 'bad-value'],
    [
      'short NAL lengths',
      {
        track: createVideoTrack('h264', {
          configuration: parseDecoderConfiguration('h264', hexToBytes(AVC_SHORT)),
        }),
      },
      'bad-value',
    ],
  ])('%s can not be written', (_, options, code) => {
    expect(codeOf(() => mediaPacket({ ...options, decodeTime: 0, payload }, true))).toBe(code);
  });

  it.each([48_000, 32_000, 24_000, 16_000, 12_000])(
    'MP3 of %i Hz: its frames say their rate',
    (sampleRate) => {
      for (const channels of [1, 2]) {
        const track = createAudioTrack('mp3', { sampleRate, channels });
        const [read] = readBack(mediaPacket({ track, decodeTime: 0, payload }, true));
        expect(read?.track).toMatchObject({ codec: 'mp3', channels });
      }
    },
  );
});

describe('configurationPacket', () => {
  function written(track: VideoTrack | AudioTrack, enhanced?: boolean): Packet {
    const packet = configurationPacket(track, 77, enhanced);
    if (packet === undefined) throw new Error('no packet');
    return packet;
  }

  it('a track without one has none', () => {
    expect(configurationPacket(createVideoTrack('h264'), 0)).toBeUndefined();
    expect(configurationPacket(createAudioTrack('mp3'), 0)).toBeUndefined();
  });

  it.each([
    [createVideoTrack('h264', recordOf('h264')), undefined, '1700000000'],
    [createVideoTrack('h264', recordOf('h264')), true, '9061766331'],
    [createVideoTrack('h264', { ...recordOf('h264'), id: 2, primary: false }), undefined, '96006176633102'],
    [createVideoTrack('av1', recordOf('av1')), undefined, '9061763031'],
    [createVideoTrack('av1', recordOf('av1')), false, '1d00000000'],
    [createVideoTrack('vp9', recordOf('vp9')), undefined, '9076703039'],
    [createAudioTrack('aac', recordOf('aac')), undefined, 'af00'],
    [createAudioTrack('aac', recordOf('aac')), true, '906d703461'],
    [createAudioTrack('aac', { ...recordOf('aac'), id: 2, primary: false }), undefined, '95006d70346102'],
    [createAudioTrack('opus', recordOf('opus')), undefined, '904f707573'],
    [createAudioTrack('opus', { ...recordOf('opus'), id: 9, primary: false }), false, '95004f70757309'],
    [createAudioTrack('flac', recordOf('flac')), undefined, '90664c6143'],
  ] as const)('of $codec, enhanced %s: %s', (track, enhanced, head) => {
    const packet = written(track, enhanced);
    expect(packet).toMatchObject({ lent: false, type: 'configuration', timestamp: 77, keyframe: false });
    expect(packet.flvHeader).toBeUndefined();
    expect(bytesToHex(packet.body)).toBe(head + (RECORDS[track.codec] ?? ''));
    expect(bytesToHex(packet.payload)).toBe(RECORDS[track.codec]);
    expect(packet.track).toBe(track);
    const [read] = readBack(packet);
    expect(read && factsOf(read)).toEqual(factsOf(packet));
    expect(read?.track.configuration).toEqual(track.configuration);
  });

  it('a configuration that is told in front of frames holds for them', () => {
    for (const [index, codec] of (['h264', 'av1'] as const).entries()) {
      const track = createVideoTrack(codec, { ...recordOf(codec), id: index, primary: index === 0 });
      const frame = mediaPacket({ track, decodeTime: 77, payload: hexToBytes('0000000141') }, true);
      const [configuration, media] = readBack(written(track), frame);
      expect(media?.track).toBe(configuration?.track);
      expect(media && factsOf(media)).toEqual(factsOf(frame));
    }
  });

  it('lengths of NAL units are told as the frames have them', () => {
    const configuration = parseDecoderConfiguration('h264', hexToBytes(AVC_SHORT));
    expect(configuration.nalLengthSize).toBe(2);
    expect(bytesToHex(written(createVideoTrack('h264', { configuration })).payload)).toBe(AVC_SHORT);
  });

  it('what FLV can not name is refused', () => {
    const configuration = parseDecoderConfiguration('unknown', hexToBytes('00'));
    expect(codeOf(() => configurationPacket(createVideoTrack('unknown', { configuration }), 0))).toBe(
      'unsupported',
    );
    expect(codeOf(() => configurationPacket(createAudioTrack('unknown', { configuration }), 0))).toBe(
      'unsupported',
    );
    const vp9 = createVideoTrack('vp9', recordOf('vp9'));
    expect(codeOf(() => configurationPacket(vp9, 0, false))).toBe('unsupported');
    const mp3 = createAudioTrack('mp3', { configuration });
    expect(codeOf(() => configurationPacket(mp3, 0))).toBe('unsupported');
  });
});

describe('singleTrackPacket', () => {
  /** Enhanced RTMP v2: CodedFrames of H.264 in the tracks 0 and 5, composition time 33. */
  const video = hexToBytes('96 11 61766331 00 000008 000021 0000000165 05 000008 000021 0000000141');
  /** CodedFrames of AAC in the tracks 0 and 5. */
  const audio = hexToBytes('95 11 6d703461 00 000002 2110 05 000002 2120');

  it.each([
    ['video', video, ['91 61766331 000021 0000000165', '96 01 61766331 05 000021 0000000141']],
    ['audio', audio, ['91 6d703461 2110', '95 01 6d703461 05 2120']],
  ] as const)(
    '%s of each track is a message that the reader reads as the same packet',
    (kind, body, wanted) => {
      const packets = [...new FlvPacketReader().read(FlvTagType[kind], 7, body)];
      const single = packets.map((packet) => singleTrackPacket(packet));
      const bodies = single.map((packet) =>
        concatBytes([packet?.flvHeader ?? new Uint8Array(0), packet?.body ?? body]),
      );
      expect(bodies.map(bytesToHex)).toEqual(wanted.map((hex) => hex.replaceAll(' ', '')));
      const reader = new FlvPacketReader();
      for (const [index, { track, ...packet }] of packets.entries()) {
        const [again] = reader.read(FlvTagType[kind], 7, bodies[index] ?? body);
        expect(again?.parts).toBe(1);
        expect(again?.track).toMatchObject({ id: track.id, codec: track.codec });
        expect(again).toMatchObject({
          keyframe: packet.keyframe,
          decodeTime: 7,
          compositionOffset: packet.compositionOffset,
        });
        expect(bytesToHex(again?.payload ?? body)).toBe(bytesToHex(packets[index]?.payload ?? body));
      }
    },
  );

  it('what is not media makes none', () => {
    const [configuration] = new FlvPacketReader().read(FlvTagType.audio, 0, hexToBytes('af001210'));
    const [data] = new FlvPacketReader().read(FlvTagType.script, 0, hexToBytes('02000161'));
    for (const packet of [configuration, data]) {
      if (packet === undefined) throw new Error('the test made no packet');
      expect(singleTrackPacket(packet)).toBeUndefined();
    }
  });
});

describe('flvTagTypeOf', () => {
  it('each kind has its own', () => {
    expect((['video', 'audio', 'data'] as const).map(flvTagTypeOf)).toEqual([
      FlvTagType.video,
      FlvTagType.audio,
      FlvTagType.script,
    ]);
  });
});
