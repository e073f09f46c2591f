import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import {
  createAudioTrack,
  createDataTrack,
  createPacket,
  createVideoTrack,
  type KeptPacket,
  type LentPacket,
  type Packet,
  type PacketOptions,
  parseDecoderConfiguration,
  type Track,
  withConfiguration,
} from './index.ts';

const VIDEO = createVideoTrack('vp8');
const TICKS_90K = createVideoTrack('vp8', { timescale: 90_000 });
const HEADER = hexToBytes('9176703038');
const BODY = hexToBytes('0102030405060708');
const WEEK_MS = 7 * 24 * 3_600_000;

function packetOf(options: Partial<PacketOptions> = {}): LentPacket {
  return createPacket({ track: VIDEO, decodeTime: 40, body: BODY, ...options }, true);
}

/** All that a packet says, its bytes as text. */
function factsOf(packet: Packet): object {
  const { body, flvHeader, rawPayload, payload, track, type, keyframe, part, parts, nanoseconds } = packet;
  const { timestamp, sourceTimestamp, decodeTime, compositionOffset } = packet;
  return {
    ...{ track, type, keyframe, part, parts, nanoseconds },
    ...{ timestamp, sourceTimestamp, decodeTime, compositionOffset },
    presentationTime: packet.presentationTime,
    flv: bytesToHex(concatBytes([flvHeader ?? new Uint8Array(0), body])),
    flvSize: packet.flvSize,
    payloadSize: packet.payloadSize,
    rawPayload: bytesToHex(rawPayload),
    payload: bytesToHex(payload),
  };
}

describe('a packet', () => {
  it('says little when little is said', () => {
    const packet = packetOf();
    expect(packet).toMatchObject({
      lent: true,
      type: 'media',
      keyframe: false,
      timestamp: 40,
      sourceTimestamp: 40,
      decodeTime: 40,
      presentationTime: 40,
      compositionOffset: 0,
      nanoseconds: 0,
      flvHeader: undefined,
      part: 0,
      parts: 1,
      payloadStart: 0,
      payloadEnd: 8,
      payloadSize: 8,
      flvSize: 8,
    });
    expect(packet.track).toBe(VIDEO);
    expect(packet.body).toBe(BODY);
    expect(packet.payload).toEqual(BODY);
  });

  it('its payload is a view of the body', () => {
    const packet = packetOf({ payloadStart: 2, payloadEnd: 5 });
    expect(bytesToHex(packet.payload)).toBe('030405');
    expect(packet.payload.buffer).toBe(BODY.buffer);
    expect(packet.payloadSize).toBe(3);
    expect(packet.flvSize).toBe(8);
  });

  it('a header of its own counts for FLV and not for the payload', () => {
    const packet = packetOf({ flvHeader: HEADER });
    expect(packet.flvSize).toBe(13);
    expect(packet.payloadSize).toBe(8);
    expect(packet.payload).toEqual(BODY);
  });

  it('NAL units have lengths of 4 bytes, whatever the configuration says', () => {
    const record = '0142c01efde100046742c01e010002 68ce';
    const track = createVideoTrack('h264', {
      configuration: parseDecoderConfiguration('h264', hexToBytes(record), { parseSps: false }),
    });
    expect(track.configuration?.nalLengthSize).toBe(2);
    const body = hexToBytes('ff 0002 6588 0001 41');
    const media = createPacket({ track, decodeTime: 0, body, payloadStart: 1 }, true);
    expect(bytesToHex(media.payload)).toBe('00000002658800000001' + '41');
    expect(bytesToHex(media.rawPayload)).toBe('00026588000141');
    for (const type of ['configuration', 'control'] as const) {
      const other = createPacket({ track, type, decodeTime: 0, body, payloadStart: 1 }, true);
      expect(other.payload).toEqual(other.rawPayload);
    }
  });

  it('NAL units without a configuration are taken to have such lengths', () => {
    const body = hexToBytes('00000002 6588');
    const track = createVideoTrack('hevc');
    expect(createPacket({ track, decodeTime: 0, body }, true).payload).toEqual(body);
  });

  it('a temporal unit of AV1 has no temporal delimiter', () => {
    const body = hexToBytes('ff 1200 3203100000');
    const track = createVideoTrack('av1');
    const options = { track, decodeTime: 0, body, payloadStart: 1 };
    const packet = createPacket(options, true);
    expect(bytesToHex(packet.payload)).toBe('3203100000');
    expect(packet.payload.buffer).toBe(body.buffer);
    expect(bytesToHex(packet.rawPayload)).toBe('12003203100000');
    const configuration = createPacket({ ...options, type: 'configuration' }, true);
    expect(configuration.payload).toEqual(configuration.rawPayload);
  });

  it.each([
    createAudioTrack('aac'),
    createAudioTrack('mp3'),
    createAudioTrack('opus'),
    createAudioTrack('g711u'),
    createVideoTrack('vp9'),
    createVideoTrack('vvc'),
    createDataTrack(),
  ])('the payload of $codec is passed on', (track) => {
    const body = hexToBytes('1200 00000001 0000');
    expect(createPacket({ track, decodeTime: 0, body }, true).payload).toEqual(body);
  });
});

describe('times', () => {
  it('ticks of 90 kHz', () => {
    const packet = createPacket(
      { track: TICKS_90K, decodeTime: 3003, compositionOffset: 6006, body: BODY },
      true,
    );
    expect(packet).toMatchObject({ decodeTime: 3003, presentationTime: 9009, timestamp: 33 });
    expect(packet.sourceTimestamp).toBe(33);
  });

  it.each([
    [0, 0],
    [44, 0],
    [45, 1],
    [90, 1],
    [-90, -1],
    [134, 1],
    [135, 2],
  ])('%i ticks of 90 kHz are %i ms', (decodeTime, timestamp) => {
    expect(createPacket({ track: TICKS_90K, decodeTime, body: BODY }, true).timestamp).toBe(timestamp);
  });

  it('pictures of 29.97 Hz over a year: no tick is lost', () => {
    const pictures = 365 * 24 * 3600 * 30;
    const packet = createPacket(
      { track: TICKS_90K, decodeTime: pictures * 3003, compositionOffset: 3003, body: BODY },
      true,
    );
    expect(packet.decodeTime).toBe(pictures * 3003);
    expect(packet.presentationTime - packet.decodeTime).toBe(3003);
    expect(packet.timestamp).toBe(Math.round((pictures * 1001) / 30));
    const moved = packet.at(packet.timestamp + 1000);
    expect(moved.decodeTime - packet.decodeTime).toBe(90_000);
    expect(moved.at(packet.timestamp).decodeTime).toBe(packet.decodeTime);
  });

  it('FLV has whole ms and keeps them', () => {
    const packet = packetOf({ decodeTime: 0xffffffff, compositionOffset: -40, sourceTimestamp: 7 });
    expect(packet).toMatchObject({ timestamp: 0xffffffff, presentationTime: 0xffffffff - 40 });
    expect(packet.sourceTimestamp).toBe(7);
  });

  it('at another time: the ticks move along, and the rest stays', () => {
    const packet = createPacket(
      {
        track: TICKS_90K,
        decodeTime: 3003,
        compositionOffset: 3003,
        keyframe: true,
        body: BODY,
        flvHeader: HEADER,
        payloadStart: 1,
        payloadEnd: 7,
        part: 1,
        parts: 2,
        nanoseconds: 5,
      },
      true,
    );
    const moved = packet.at(1033);
    expect(factsOf(moved)).toEqual({
      ...factsOf(packet),
      timestamp: 1033,
      decodeTime: 93_003,
      presentationTime: 96_006,
    });
    // What the publisher said is not what the stream says.
    expect(moved.sourceTimestamp).toBe(33);
    expect(moved.body).toBe(BODY);
    expect(moved.flvHeader).toBe(HEADER);
    expect(packet.at(33)).toBe(packet);
  });

  it('at any time of any timescale: that time, and the ticks nearest to where they were', () => {
    const timescale = fc.oneof(
      fc.constantFrom(1000, 1001, 1999, 8000, 11_025, 22_050, 44_100, 48_000, 90_000, 10_000_000),
      fc.integer({ min: 1000, max: 1_000_000 }),
    );
    const time = fc.oneof(fc.integer({ min: -2000, max: 2000 }), fc.integer({ min: 0, max: 52 * WEEK_MS }));
    fc.assert(
      fc.property(
        timescale,
        time,
        fc.double({ min: 0, max: 1, noNaN: true }),
        time,
        (scale, ms, part, to) => {
          const track = createVideoTrack('vp8', { timescale: scale });
          const decodeTime = Math.round(((ms + part) * scale) / 1000);
          const packet = createPacket({ track, decodeTime, body: BODY }, true);
          const moved = packet.at(to);
          expect(moved.timestamp).toBe(to);
          expect(Number.isSafeInteger(moved.decodeTime)).toBe(true);
          const wanted = ((to - packet.timestamp) * scale) / 1000;
          expect(Math.abs(moved.decodeTime - decodeTime - wanted)).toBeLessThan(1.51);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('a timescale of few ticks gives the nearest of them', () => {
    const track = createVideoTrack('vp8', { timescale: 25 });
    const packet = createPacket({ track, decodeTime: 10, body: BODY }, true);
    expect(packet.timestamp).toBe(400);
    expect(packet.at(441)).toMatchObject({ decodeTime: 11, timestamp: 440 });
  });
});

describe('kept packets', () => {
  it('a lent packet is copied', () => {
    const memory = BODY.slice();
    const packet = packetOf({ body: memory, payloadStart: 2, keyframe: true });
    const kept: KeptPacket = packet.keep();
    expect(factsOf(kept)).toEqual(factsOf(packet));
    expect(kept.lent).toBe(false);
    memory.fill(0);
    expect(bytesToHex(kept.body)).toBe(bytesToHex(BODY));
  });

  it('a view of a Node buffer is copied too', () => {
    const memory = Buffer.from(BODY);
    const kept = packetOf({ body: memory }).keep();
    memory.fill(0);
    expect(bytesToHex(kept.body)).toBe(bytesToHex(BODY));
  });

  it('a kept packet is itself', () => {
    const packet = createPacket({ track: VIDEO, decodeTime: 0, body: BODY }, false);
    expect(packet.keep()).toBe(packet);
  });

  it('its header goes into the body, and the payload is where it was', () => {
    for (const lent of [true, false]) {
      const options = { track: VIDEO, decodeTime: 40, flvHeader: HEADER, payloadStart: 1, payloadEnd: 6 };
      const packet = createPacket({ ...options, body: BODY }, lent);
      const kept = packet.keep();
      expect(factsOf(kept)).toEqual(factsOf(packet));
      expect(kept).toMatchObject({ flvHeader: undefined, payloadStart: 6, payloadEnd: 11, lent: false });
      expect(kept.keep()).toBe(kept);
    }
  });

  it('as bytes that are written anyway', () => {
    const packet = packetOf({ flvHeader: HEADER, payloadEnd: 3, compositionOffset: 3 });
    const written = concatBytes([HEADER, BODY]);
    const kept = packet.keptAs(written);
    expect(kept.body).toBe(written);
    expect(factsOf(kept)).toEqual(factsOf(packet));
    const plain = packetOf({ payloadStart: 2 });
    const copy = BODY.slice();
    expect(plain.keptAs(copy).body).toBe(copy);
    expect(factsOf(plain.keptAs(copy))).toEqual(factsOf(plain));
  });

  it('packets of one message share the copy', () => {
    const packets = [0, 1, 2].map((part) =>
      packetOf({ part, parts: 3, payloadStart: 2 * part, payloadEnd: 2 * part + 2 }),
    );
    const [first, ...others] = packets;
    const kept = first?.keep();
    const shared = [kept, ...others.map((packet) => packet.keptAs(kept?.body ?? BODY))];
    for (const [index, packet] of shared.entries()) {
      expect(packet?.body).toBe(kept?.body);
      expect(packet?.body).not.toBe(BODY);
      expect(packet).toMatchObject({ part: index, parts: 3, lent: false });
      expect(packet?.rawPayload).toEqual(packets[index]?.rawPayload);
    }
  });
});

describe('of another track object', () => {
  const track: Track = withConfiguration(VIDEO, parseDecoderConfiguration('vp8', BODY));

  it('everything but the track stays', () => {
    const packet = packetOf({
      flvHeader: HEADER,
      payloadStart: 1,
      keyframe: true,
      compositionOffset: 7,
      sourceTimestamp: 3,
      nanoseconds: 9,
    });
    const other: LentPacket = packet.of(track);
    expect(other.track).toBe(track);
    expect(factsOf(other)).toEqual({ ...factsOf(packet), track });
    expect(other.body).toBe(packet.body);
    expect(other.flvHeader).toBe(HEADER);
    expect(packet.of(VIDEO)).toBe(packet);
  });

  it('changes in any order give the same packet', () => {
    const change = fc.constantFrom<(packet: Packet) => Packet>(
      (packet) => packet.keep(),
      (packet) => packet.of(track),
      (packet) => packet.at(1234),
      (packet) => packet.keptAs(concatBytes([packet.flvHeader ?? new Uint8Array(0), packet.body])),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.boolean(), (changes, hasHeader) => {
        const options = { payloadStart: 2, payloadEnd: 7, sourceTimestamp: 1, type: 'control' } as const;
        const start: Packet = packetOf(hasHeader ? { ...options, flvHeader: HEADER } : options);
        const end = changes.reduce((packet, one) => one(packet), start);
        const { timestamp, decodeTime, presentationTime, track: endTrack } = end;
        expect(factsOf(end)).toEqual({
          ...factsOf(start),
          timestamp,
          decodeTime,
          presentationTime,
          track: endTrack,
        });
      }),
    );
  });
});
