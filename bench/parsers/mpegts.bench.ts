/**
 * Micro benchmark of MPEG-TS: `tsx bench/parsers/mpegts.bench.ts` (with `--conditions=sluice-source` to run from the
 * sources). One iteration is one second of a 258 kbps stream: 25 pictures, and 43 audio frames in PES of three.
 */
import { TsDemuxer, TsMuxer, type TsAudioUnit, type TsVideoUnit } from '@sluice/media/mpegts';
import { Bench } from 'tinybench';

const FRAMES = 25 + 43;
const AUDIO_FRAMES_PER_PES = 3;
const SPS = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8);
const PPS = Uint8Array.of(0x68, 0xce, 0x3c, 0x80);

/** A NAL unit of that type and size, with its length in front. */
function nalUnit(type: number, bytes: number): Uint8Array {
  const data = new Uint8Array(4 + bytes).fill(0x55);
  data.set([bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes, type]);
  return data;
}

/** An ADTS frame of AAC-LC, 44.1 kHz, stereo. */
function adtsFrame(bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes).fill(0x21);
  frame.set([0xff, 0xf1, 0x50, 0x80 | (bytes >>> 11), bytes >>> 3, ((bytes & 7) << 5) | 0x1f, 0xfc]);
  return frame;
}

const pictures = Array.from({ length: 25 }, (_, index): TsVideoUnit => {
  const keyframe = index === 0;
  return {
    dts: index * 40,
    pts: index * 40,
    keyframe,
    data: nalUnit(keyframe ? 0x65 : 0x41, keyframe ? 9000 : 600),
    nalLengthSize: 4,
    parameterSets: [SPS, PPS],
  };
});
const sounds = Array.from({ length: Math.ceil(43 / AUDIO_FRAMES_PER_PES) }, (_, index): TsAudioUnit => {
  const pieces = Array.from({ length: AUDIO_FRAMES_PER_PES }, () => adtsFrame(193));
  return { pts: index * 70, pcr: false, pieces };
});

/** Muxes the second; returns the offset behind it. */
function mux(muxer: TsMuxer, target: Uint8Array): number {
  let end = muxer.writeTables(target, 0);
  for (const picture of pictures) {
    muxer.videoSize(picture);
    end = muxer.writeVideo(target, end, picture);
  }
  for (const sound of sounds) {
    muxer.audioSize(sound);
    end = muxer.writeAudio(target, end, sound);
  }
  return end;
}

const bench = new Bench({ time: 1000, warmupTime: 300 });
const target = new Uint8Array(100_000);
const writing = new TsMuxer({ video: 'h264', audio: 'aac' });
const second = target.slice(0, mux(new TsMuxer({ video: 'h264', audio: 'aac' }), target));

bench.add('mux', () => {
  mux(writing, target);
});
for (const readSize of [1316, 65_536]) {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < second.length; at += readSize) pieces.push(second.subarray(at, at + readSize));
  bench.add(`demux, reads of ${readSize}`, () => {
    const demuxer = new TsDemuxer();
    for (const piece of pieces) demuxer.write(piece);
  });
}

await bench.run();
console.table(
  bench.tasks.map(({ name, result }) => {
    const hz = 'throughput' in result ? result.throughput.mean : 0;
    return {
      name,
      'ns/frame': Math.round(1e9 / (hz * FRAMES)),
      'MB/s': Math.round((hz * second.length) / 1e6),
    };
  }),
);
