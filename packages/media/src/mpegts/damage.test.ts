import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { TsDemuxer, type TsDemuxerCounters } from './index.ts';
import { demux, isVideo, numbersOf, sample, Stream } from './test-kit.ts';

const NO_BYTES = new Uint8Array(0);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./testdata/${name}.mpegts`, import.meta.url)));
}

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
