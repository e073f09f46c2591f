import { describe, expect, it } from 'vitest';

import { concatBytes, hexToBytes } from '../bytes/index.ts';
import { writeSectionPacket } from './packets.ts';
import { buildPat, buildPmt, type TsDemuxerCounters, type TsDemuxerLimits } from './index.ts';
import { demux, numbersOf, sample } from './test-kit.ts';

const NO_BYTES = new Uint8Array(0);
const ONLY = { current: true, sectionNumber: 0, lastSectionNumber: 0 } as const;

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

  it('only a section that fits a packet is written into one', () => {
    const longest = new Uint8Array(183);
    expect(section(0, 0, longest).length).toBe(188);
    expect(() => section(0, 0, new Uint8Array(184))).toThrow(
      expect.objectContaining({ name: 'MediaError', code: 'limit-exceeded' }),
    );
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
