import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import { buildAudioSpecificConfig } from '../aac/index.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import {
  buildAudioTagHeader,
  buildVideoTagHeader,
  encodeFlvTag,
  flvHeader,
  FlvTagType,
} from '../flv/index.ts';
import { openMp4, runReadStepsOn } from '../mp4/index.ts';
import { TsDemuxer } from '../mpegts/index.ts';
import { FlvToMp4, FlvToTs, remuxFlv, remuxFlvFile } from './index.ts';

const FFMPEG = 'ffmpeg';
const FFPROBE = 'ffprobe';
/** ffmpeg has the last word on what a file is. Without it these tests are left out. */
const available = [FFMPEG, FFPROBE].every((program) => spawnSync(program, ['-version']).status === 0);
const folder = mkdtempSync(join(tmpdir(), 'remux-'));

afterAll(() => rmSync(folder, { recursive: true }));

/** A picture and a tone as FLV, with B-frames unless the codecs say otherwise. */
function source(...codecs: readonly string[]): Uint8Array {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=30', '-f', 'lavfi', '-i', 'sine=r=44100'];
  const args = ['-v', 'error', ...inputs, '-t', '6', '-g', '60', ...codecs, '-f', 'flv', 'pipe:1'];
  return execFileSync(FFMPEG, args, { maxBuffer: 64 * 1024 * 1024 });
}

const H264_AAC = ['-c:v', 'libx264', '-bf', '2', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];

interface Packet {
  readonly codec_type: string;
  readonly pts_time: string;
  readonly dts_time: string;
}

interface Probe {
  readonly streams: readonly { readonly codec_name: string; readonly time_base: string }[];
  readonly packets: readonly Packet[];
  readonly format: { readonly format_name: string; readonly duration: string };
}

function fileOf(bytes: Uint8Array): string {
  const file = join(folder, String(readdirSync(folder).length));
  writeFileSync(file, bytes);
  return file;
}

function probe(bytes: Uint8Array): Probe {
  const shown = ['-show_streams', '-show_packets', '-show_format', '-of', 'json'];
  const run = spawnSync(FFPROBE, ['-v', 'warning', ...shown, fileOf(bytes)], {
    maxBuffer: 256 * 1024 * 1024,
  });
  expect(run.stderr.toString()).toBe('');
  return JSON.parse(run.stdout.toString()) as Probe;
}

/** What the pictures or the sound decode to. */
function decoded(bytes: Uint8Array, stream: 'v' | 'a'): readonly string[] {
  const args = ['-v', 'error', '-i', fileOf(bytes), '-map', `0:${stream}`, '-f', 'framemd5', '-'];
  const lines = execFileSync(FFMPEG, args, { maxBuffer: 64 * 1024 * 1024 })
    .toString()
    .split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/^.*, /, ''));
}

/** Times of a kind of packets, ms from the first of them. */
function times({ packets }: Probe, kind: string, field: 'pts_time' | 'dts_time'): readonly number[] {
  const all = packets
    .filter(({ codec_type }) => codec_type === kind)
    .map((packet) => Number(packet[field]) * 1000);
  const [first = 0] = all;
  return all.map((time) => time - first);
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of chunks) pieces.push(piece);
  return concatBytes(pieces);
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

/** Tags of AAC, as many as there are times. */
function aacTags(timestamps: readonly number[]): readonly Uint8Array[] {
  const configuration = buildAudioSpecificConfig({ sampleRate: 48_000, channelConfiguration: 2 });
  const header = buildAudioTagHeader({ codec: 'aac', packetType: 'sequence-header' });
  const raw = concatBytes([buildAudioTagHeader({ codec: 'aac' }), Uint8Array.of(0x21, 0x10, 0x04)]);
  const type = FlvTagType.audio;
  return [
    encodeFlvTag({ type, timestamp: 0, body: concatBytes([header, configuration]) }),
    ...timestamps.map((timestamp) => encodeFlvTag({ type, timestamp, body: raw })),
  ];
}

const HEAD = flvHeader({ audio: true, video: true });

describe.skipIf(!available)('remuxFlv, by ffprobe', () => {
  const flv = available ? source(...H264_AAC) : new Uint8Array(0);

  it.each(['ts', 'mp4'] as const)(
    'FLV to %s has every packet at its time, and decodes to the same',
    async (to) => {
      const streamed = await collected(remuxFlv(cut(flv, 4096), { to }));
      for (const result of [streamed, remuxFlvFile(flv, { to })]) {
        const [before, after] = [probe(flv), probe(result)];
        expect(after.streams.map(({ codec_name }) => codec_name)).toEqual(['h264', 'aac']);
        expect(after.format.format_name).toContain(to === 'ts' ? 'mpegts' : 'mp4');
        expect(Math.abs(Number(after.format.duration) - Number(before.format.duration))).toBeLessThan(0.15);
        for (const field of ['pts_time', 'dts_time'] as const) {
          const wanted = times(before, 'video', field);
          const found = times(after, 'video', field);
          expect(found).toHaveLength(wanted.length);
          // FLV counts in milliseconds, MPEG-TS in 90ths of one.
          for (const [index, time] of found.entries())
            expect(Math.abs(time - (wanted[index] ?? NaN))).toBeLessThan(0.1);
        }
        const sound = times(after, 'audio', 'pts_time');
        for (const [index, time] of sound.entries())
          if (to === 'mp4') expect(Math.abs(time - (index * 1024_000) / 44_100)).toBeLessThan(0.05);
        expect(decoded(result, 'v')).toEqual(decoded(flv, 'v'));
        expect(decoded(result, 'a').length).toBeGreaterThan(250);
      }
    },
  );

  it('an MP4 file counts video in ms and audio in samples, and is seekable', () => {
    const file = remuxFlvFile(flv, { to: 'mp4' });
    expect(probe(file).streams.map(({ time_base }) => time_base)).toEqual(['1/1000', '1/44100']);
    const { duration, tracks } = runReadStepsOn(file, openMp4(file.length));
    expect(Math.abs((duration ?? 0) - 6000)).toBeLessThan(100);
    expect(tracks.map(({ codec }) => codec)).toEqual(['h264', 'aac']);
  });

  it.each(['ts', 'mp4'] as const)('to %s: the same bytes, whole and byte by byte', async (to) => {
    const part = flv.subarray(0, 40_000);
    const whole = await collected(remuxFlv([part], { to }));
    expect(await collected(remuxFlv(cut(part, 1), { to }))).toEqual(whole);
  });

  it.each([
    ['MP3 alone', ['-vn', '-c:a', 'libmp3lame'], ['mp3']],
    ['H.264 alone', ['-an', '-c:v', 'libx264', '-pix_fmt', 'yuv420p'], ['h264']],
  ] as const)('%s', async (_name, codecs, names) => {
    const bytes = source(...codecs);
    for (const to of ['ts', 'mp4'] as const) {
      const result = probe(await collected(remuxFlv(cut(bytes, 1000), { to })));
      expect(result.streams.map(({ codec_name }) => codec_name)).toEqual(names);
      expect(result.packets).toHaveLength(probe(bytes).packets.length);
    }
  });

  it('names the codecs that it left out', () => {
    const bytes = source('-c:v', 'flv1', '-c:a', 'aac');
    for (const converter of [new FlvToTs(), new FlvToMp4()]) {
      converter.write(bytes);
      converter.end();
      expect([...converter.skipped]).toEqual([['h263', 180]]);
    }
  });
});

describe('remuxFlv', () => {
  const frames = Array.from({ length: 300 }, (_, index) => Math.round((index * 1024) / 48));

  it('an MP4 begins at zero where a captured stream does not', () => {
    const file = remuxFlvFile(concatBytes([HEAD, ...aacTags(frames.map((time) => time + 3_600_000))]), {
      to: 'mp4',
    });
    const { duration } = runReadStepsOn(file, openMp4(file.length));
    expect(duration).toBeCloseTo(6400, -2);
  });

  it('a clock that begins anew, or wraps, goes on', () => {
    for (const start of [100_000, 2 ** 32 - 3200]) {
      const restarted = frames.map((time, index) => (index < 150 ? start + time : time - 3200));
      const file = remuxFlvFile(concatBytes([HEAD, ...aacTags(restarted)]), { to: 'mp4' });
      const { duration } = runReadStepsOn(file, openMp4(file.length));
      expect(Math.abs((duration ?? 0) - 6400)).toBeLessThan(50);
    }
  });

  it('fragments of a stream without an end hold a limited time, and only whole ones come out', () => {
    const converter = new FlvToMp4({ fragmented: true, fragmentMs: 500 });
    const sizes = [HEAD, ...aacTags(Array.from({ length: 3000 }, (_, index) => index * 21))].map(
      (bytes) => converter.write(bytes).length,
    );
    expect(sizes.filter((count) => count > 0).length).toBeGreaterThan(100);
    expect(converter.end().patch).toBeUndefined();
  });

  it('refuses another configuration in the same MP4, and goes on with the same one', () => {
    const other = concatBytes([
      buildAudioTagHeader({ codec: 'aac', packetType: 'sequence-header' }),
      buildAudioSpecificConfig({ sampleRate: 32_000, channelConfiguration: 1 }),
    ]);
    const converter = new FlvToMp4({ maxTrackWaitMs: 100 });
    converter.write(concatBytes([HEAD, ...aacTags(frames)]));
    converter.write(aacTags([]).at(0) ?? new Uint8Array(0));
    const changed = encodeFlvTag({ type: FlvTagType.audio, timestamp: 9000, body: other });
    expect(() => converter.write(changed)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });

  it('says that there is nothing to write', async () => {
    const speex = concatBytes([buildAudioTagHeader({ codec: 'speex' }), Uint8Array.of(1, 2, 3)]);
    const tag = encodeFlvTag({ type: FlvTagType.audio, timestamp: 0, body: speex });
    expect(() => remuxFlvFile(concatBytes([HEAD, tag]), { to: 'mp4' })).toThrow(
      'no frame that MP4 can hold: speex',
    );
    expect(() => remuxFlvFile(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), { to: 'ts' })).toThrow(
      MediaError,
    );
    expect(await collected(remuxFlv([HEAD], { to: 'ts' }))).toHaveLength(0);
  });

  it('a transport stream of sound alone has its tables again and again', () => {
    const demuxer = new TsDemuxer();
    const bytes = remuxFlvFile(concatBytes([HEAD, ...aacTags(frames)]), { to: 'ts' });
    const events = [...demuxer.write(bytes), ...demuxer.end()];
    expect(events.filter(({ kind }) => kind === 'audio')).not.toEqual([]);
    const tables = Array.from({ length: bytes.length / 188 }, (_, index) => bytes[index * 188 + 2]).filter(
      (pid) => pid === 0,
    );
    expect(tables.length).toBeGreaterThan(2);
  });

  /** The samples of an MP4, as text. */
  function samplesOf(bytes: Uint8Array): string[] {
    const cursor = runReadStepsOn(bytes, openMp4(bytes.length)).cursor();
    const samples = runReadStepsOn(bytes, cursor.read());
    return samples.map(({ offset, size }) => bytesToHex(bytes.subarray(offset, offset + size)));
  }

  function flvOf(...bodies: readonly string[]): Uint8Array {
    const tags = bodies.map((hex, index) =>
      encodeFlvTag({ type: FlvTagType.video, timestamp: 40 * index, body: hexToBytes(hex) }),
    );
    return concatBytes([HEAD, ...tags]);
  }

  it('the temporal delimiters of AV1 do not go into an MP4', () => {
    const configuration = '9061763031 81000c000a0b000000043d06d4daf90040';
    const frames = ['9161763031 1200 3203100000', 'a161763031 3202aabb', 'a161763031 3201cc 1200 3201dd'];
    const mp4 = remuxFlvFile(flvOf(configuration, ...frames), { to: 'mp4' });
    expect(samplesOf(mp4)).toEqual(['3203100000', '3202aabb', '3201cc3201dd']);
  });

  it('of several tracks of a kind the first one goes into an MP4, and the others are counted', () => {
    const avc =
      '0164000cfde1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe3cb22c0fdf8f800';
    const configurations = `9620 61766331 00 00002f ${avc} 76703039 01 000002 0001`;
    const frames = ['9611 61766331 00 000007 000000 00026588 01 000003 000000', '1701000000 000165'];
    const converter = new FlvToMp4();
    const pieces = converter.write(flvOf(configurations, ...frames));
    const { pieces: last, patch } = converter.end();
    const mp4 = concatBytes([...pieces, ...last]);
    if (patch !== undefined) mp4.set(patch.bytes, patch.offset);
    // NAL units behind lengths of two bytes have four here.
    expect(samplesOf(mp4)).toEqual(['000000026588', '0000000165']);
    expect(Object.fromEntries(converter.skipped)).toEqual({ vp9: 1, h264: 1 });
  });

  it('throws nothing but MediaError, whatever the tags hold', () => {
    const type = fc.constantFrom(FlvTagType.audio, FlvTagType.video, FlvTagType.script);
    const avc = Buffer.from(
      buildVideoTagHeader({ codec: 'h264', frameType: 1, packetType: 'sequence-header' }),
    );
    const start = fc.constantFrom(
      avc,
      Buffer.of(0x17, 1, 0, 0, 0),
      Buffer.of(0xaf, 0),
      Buffer.of(0xaf, 1),
      Buffer.of(0x2f),
    );
    const tag = fc.record({
      type,
      timestamp: fc.nat(0xffffffff),
      start,
      rest: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 30 }), (tags) => {
        const bytes = concatBytes([
          HEAD,
          ...tags.map(({ type: kind, timestamp, start: first, rest }) =>
            encodeFlvTag({ type: kind, timestamp, body: concatBytes([first, rest]) }),
          ),
        ]);
        for (const to of ['ts', 'mp4'] as const) {
          try {
            remuxFlvFile(bytes, { to });
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
