import { FlvTagType } from '@sluice/media/flv';
import {
  avcConfigurationFromParameterSets,
  buildAnnexB,
  buildAvcDecoderConfiguration,
  buildLengthPrefixed,
} from '@sluice/media/avc';
import { bytesToHex, concatBytes, hexToBytes } from '@sluice/media/bytes';
import { buildHevcDecoderConfiguration, hevcConfigurationFromParameterSets } from '@sluice/media/hevc';
import type { KeptPacket } from '@sluice/media/model';
import { describe, expect, it } from 'vitest';

import { liveStream, publishTo, type TestPublisher } from '../remux/test-kit.ts';
import type { LiveStream } from './live-stream.ts';

/** Parameter sets that x264 and x265 wrote for pictures of 320x180 and 640x360. */
const SMALL = {
  sps: hexToBytes('674d400ceca0a0cfcf8088000003000800000300a078a14cb0'),
  pps: hexToBytes('68ef8fc8'),
};
const LARGE = {
  sps: hexToBytes('67640016acd940a02ff97011000003000100000300140f162d96'),
  pps: hexToBytes('68ef8fcb'),
};
const HEVC_SMALL = {
  vps: hexToBytes('40010c01ffff01600000030090000003000003003c959809'),
  sps: hexToBytes('42010101600000030090000003000003003ca00a080b9f796566924caf0168080000030008000003005040'),
  pps: hexToBytes('4401c172b46240'),
};
const HEVC_LARGE = {
  vps: hexToBytes('40010c01ffff01600000030090000003000003003f959809'),
  sps: hexToBytes('42010101600000030090000003000003003fa00502016965959a4932bc05a02000000300200000030141'),
  pps: hexToBytes('4401c172b46240'),
};
const DELIMITER = Uint8Array.of(0x09, 0xf0);
const IDR = Uint8Array.of(0x65, 0x88, 0x84, 1, 2, 3);
const KEY = Uint8Array.of(0x17, 1, 0, 0, 0);

function headerOf({ sps, pps }: typeof SMALL): Uint8Array {
  const record = buildAvcDecoderConfiguration(avcConfigurationFromParameterSets([sps], [pps]));
  return concatBytes([Uint8Array.of(0x17, 0, 0, 0, 0), record]);
}

function keyframe(...units: readonly Uint8Array[]): Uint8Array {
  return concatBytes([KEY, buildLengthPrefixed([DELIMITER, ...units, IDR])]);
}

interface Scene {
  readonly stream: LiveStream;
  readonly publisher: TestPublisher;
  /** What outputs get: `header WIDTHxHEIGHT`, `key` or `inter`. */
  readonly seen: string[];
  readonly frames: KeptPacket[];
}

function scene(): Scene {
  const stream = liveStream();
  const publisher = publishTo(stream);
  const seen: string[] = [];
  const frames: KeptPacket[] = [];
  stream.subscribe({
    write: (packet) => {
      frames.push(packet.keep());
      const { width, height } = stream.video ?? {};
      const { keyframe, type } = packet;
      seen.push(type === 'configuration' ? `header ${width}x${height}` : keyframe ? 'key' : 'inter');
    },
    end: () => undefined,
  });
  return { stream, publisher, seen, frames };
}

describe('parameter sets in front of keyframes', () => {
  it('a change of them makes a sequence header in front of the keyframe, at its time', () => {
    const { publisher, seen, frames } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, keyframe(SMALL.sps, SMALL.pps));
    publisher.write(FlvTagType.video, 40, keyframe(LARGE.sps, LARGE.pps));
    publisher.write(FlvTagType.video, 80, keyframe(LARGE.sps, LARGE.pps));
    publisher.write(FlvTagType.video, 120, keyframe());
    publisher.write(FlvTagType.video, 160, keyframe(SMALL.sps, SMALL.pps));
    expect(seen).toEqual([
      ...['header 320x180', 'key', 'header 640x360', 'key', 'key', 'key', 'header 320x180', 'key'],
    ]);
    const headers = frames.filter(({ type }) => type === 'configuration');
    expect(headers.map(({ timestamp }) => timestamp)).toEqual([0, 40, 160]);
    expect(bytesToHex(headers[1]?.body ?? new Uint8Array())).toBe(bytesToHex(headerOf(LARGE)));
    expect(publisher.warnings).toEqual([]);
  });

  it('a player that joins later begins with the new configuration', () => {
    const { stream, publisher } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, keyframe());
    publisher.write(FlvTagType.video, 40, keyframe(LARGE.sps, LARGE.pps));
    expect(stream.configurations.map(({ body }) => bytesToHex(body))).toEqual([bytesToHex(headerOf(LARGE))]);
    expect(stream.video).toMatchObject({ width: 640, height: 360, profile: 100 });
  });

  it.each([
    ['zero bytes behind them', [concatBytes([SMALL.sps, new Uint8Array(2)]), SMALL.pps]],
    ['another nal_ref_idc', [Uint8Array.of(0x27, ...SMALL.sps.subarray(1)), SMALL.pps]],
    ['the PPS only', [SMALL.pps]],
    ['each of them twice', [SMALL.sps, SMALL.pps, SMALL.sps, SMALL.pps]],
  ])('those of the sequence header change nothing: %s', (_name, units) => {
    const { publisher, seen } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, keyframe(...units));
    expect(seen).toEqual(['header 320x180', 'key']);
  });

  it('a PPS alone takes the place of the one with its id', () => {
    const { publisher, seen, frames } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, keyframe(LARGE.pps));
    expect(seen).toEqual(['header 320x180', 'header 320x180', 'key']);
    const wanted = headerOf({ sps: SMALL.sps, pps: LARGE.pps });
    expect(bytesToHex(frames[1]?.body ?? new Uint8Array())).toBe(bytesToHex(wanted));
  });

  it('a publisher that repeats its old sequence header does not change the picture back', () => {
    const { publisher, seen } = scene();
    for (let index = 0; index < 3; index += 1) {
      publisher.write(FlvTagType.video, index * 40, headerOf(SMALL));
      publisher.write(FlvTagType.video, index * 40, keyframe(LARGE.sps, LARGE.pps));
    }
    expect(seen.filter((one) => one === 'header 320x180')).toHaveLength(1);
    publisher.write(FlvTagType.video, 200, headerOf(SMALL));
    publisher.write(FlvTagType.video, 200, keyframe());
    expect(seen.slice(-2)).toEqual(['header 320x180', 'key']);
  });

  it('start codes, and a picture whose length does not fit', () => {
    const { publisher, seen } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, concatBytes([KEY, buildAnnexB([LARGE.sps, LARGE.pps, IDR])]));
    const cut = keyframe(SMALL.sps, SMALL.pps);
    publisher.write(FlvTagType.video, 40, cut.subarray(0, cut.length - 2));
    expect(seen).toEqual(['header 320x180', 'header 640x360', 'key', 'header 320x180', 'key']);
  });

  it('broken ones leave the configuration as it is, with one warning, and the frame passes', () => {
    const { publisher, seen } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    for (const time of [0, 40]) publisher.write(FlvTagType.video, time, keyframe(Uint8Array.of(0x67, 0x64)));
    publisher.write(FlvTagType.video, 80, keyframe(new Uint8Array(20_000).fill(0x68)));
    expect(seen).toEqual(['header 320x180', 'key', 'key', 'key']);
    expect(publisher.warnings).toHaveLength(1);
    expect(publisher.warnings[0]).toContain('bad parameter sets');
  });

  it('is not looked for behind the picture', () => {
    const { publisher, seen } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 40, keyframe(IDR, LARGE.sps, LARGE.pps));
    expect(seen).toEqual(['header 320x180', 'key']);
  });

  it.each([
    ['without parameter sets', [], 'header 640x360'],
    ['with others', [SMALL.sps, SMALL.pps], undefined],
  ])('of pictures between keyframes they hold from the next keyframe on: one %s', (_, own, header) => {
    const { publisher, seen } = scene();
    publisher.write(FlvTagType.video, 0, headerOf(SMALL));
    publisher.write(FlvTagType.video, 0, keyframe());
    const inter = keyframe(LARGE.sps, LARGE.pps);
    inter[0] = 0x27;
    publisher.write(FlvTagType.video, 40, inter);
    // The bytes were lent.
    inter.fill(0);
    publisher.write(FlvTagType.video, 80, keyframe(...own));
    publisher.write(FlvTagType.video, 120, keyframe(...own));
    const changes = header === undefined ? [] : [header];
    expect(seen.filter((line) => line !== 'key')).toEqual(['header 320x180', 'inter', ...changes]);
  });

  it('make the sequence header of a stream that has none', () => {
    const { publisher, seen, frames } = scene();
    publisher.write(FlvTagType.video, 0, keyframe());
    publisher.write(FlvTagType.video, 40, keyframe(SMALL.sps, SMALL.pps));
    publisher.write(FlvTagType.video, 80, keyframe(SMALL.sps, SMALL.pps));
    publisher.write(FlvTagType.video, 120, keyframe(LARGE.sps, LARGE.pps));
    publisher.write(FlvTagType.video, 160, headerOf(SMALL));
    expect(seen).toEqual([
      ...['key', 'header 320x180', 'key', 'key', 'header 640x360', 'key', 'header 320x180'],
    ]);
    expect(bytesToHex(frames[1]?.body ?? new Uint8Array())).toBe(bytesToHex(headerOf(SMALL)));
    expect(publisher.warnings).toEqual([
      "video of codec H264 came without its sequence header: it can't be decoded until the publisher sends one",
    ]);
  });

  it('make it of start codes, and of HEVC by Enhanced RTMP', () => {
    const avc = scene();
    const annexB = buildAnnexB([SMALL.sps, SMALL.pps, IDR]);
    avc.publisher.write(FlvTagType.video, 0, concatBytes([KEY, annexB]));
    expect(avc.seen).toEqual(['header 320x180', 'key']);
    const hevc = scene();
    const { vps, sps, pps } = HEVC_SMALL;
    const units = buildLengthPrefixed([vps, sps, pps, Uint8Array.of(0x26, 1, 0xaf, 1)]);
    hevc.publisher.write(FlvTagType.video, 0, concatBytes([hexToBytes('9368766331'), units]));
    expect(hevc.seen).toEqual(['header 320x180', 'key']);
    expect(bytesToHex(hevc.frames[0]?.body.subarray(0, 5) ?? new Uint8Array())).toBe('9068766331');
  });

  it('HEVC in an Enhanced RTMP tag', () => {
    const { publisher, seen } = scene();
    const { vps, sps, pps } = HEVC_SMALL;
    const record = buildHevcDecoderConfiguration(hevcConfigurationFromParameterSets([vps], [sps], [pps]));
    publisher.write(FlvTagType.video, 0, concatBytes([hexToBytes('9068766331'), record]));
    const idr = Uint8Array.of(0x26, 1, 0xaf, 1);
    for (const sets of [HEVC_SMALL, HEVC_LARGE, HEVC_LARGE]) {
      const units = buildLengthPrefixed([sets.vps, sets.sps, sets.pps, idr]);
      publisher.write(FlvTagType.video, 0, concatBytes([hexToBytes('9368766331'), units]));
    }
    expect(seen).toEqual(['header 320x180', 'key', 'header 640x360', 'key', 'key']);
  });
});
