import { describe, expect, it } from 'vitest';

import { ADTS_HEADER_BYTES, buildAdtsHeader, buildAudioSpecificConfig } from '../aac/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { TsDemuxer, TsMuxer } from './index.ts';
import { adts, demux, numbersOf, Stream } from './test-kit.ts';

const NO_BYTES = new Uint8Array(0);

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
  function carry(pid: number, pieces: readonly Uint8Array[], size = 100): Uint8Array {
    const packets: Uint8Array[] = [];
    for (const piece of pieces) {
      for (let offset = 0; offset < piece.length; offset += size) {
        const part = piece.subarray(offset, offset + size);
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

  it('a header that is spread over packets is read', () => {
    const slice = hexToBytes('00000141aa');
    for (const size of [1, 2, 5, 6, 7]) {
      const packets = carry(0x100, [pes(PTS_0, slice, 13), pes(PTS_9000, slice)], size);
      const { video, losses } = demux(concatBytes([tables, packets]));
      expect(losses).toEqual({});
      expect(video.map((event) => [event.dts, event.nalUnits.map(bytesToHex)])).toEqual([
        [0, ['41aa']],
        [9000, ['41aa']],
      ]);
    }
    const cut = demux(concatBytes([tables, carry(0x100, [pes(PTS_0, slice).subarray(0, 5)])]));
    expect([cut.video, cut.losses]).toEqual([[], { damagedPes: 1 }]);
  });

  it('audio before any time is dropped', () => {
    const frame = concatBytes(adts(1, 50));
    const { audio, losses } = demux(
      concatBytes([tables, carry(0x101, [pes('', frame), pes(PTS_9000, frame)])]),
    );
    expect(audio.map((event) => [event.pts, event.discontinuity])).toEqual([[9000, true]]);
    expect(losses).toEqual({ untimedUnits: 1 });
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
