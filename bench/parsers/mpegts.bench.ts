/**
 * Micro benchmark of the transport stream: `tsx bench/parsers/mpegts.bench.ts` (with `--conditions=sluice-source` to
 * run from the sources). One iteration is one second of a stream: 25 pictures, and 43 frames of AAC in 15 PES packets.
 */
import { TsDemuxer, TsMuxer } from '@sluice/media/mpegts';
import type { TsAudioUnit, TsVideoUnit } from '@sluice/media/mpegts';
import { Bench } from 'tinybench';

/** The units of one second, in the order of their times. */
function makeSecond(keyframeBytes: number, pictureBytes: number): (TsVideoUnit | TsAudioUnit)[] {
  const units: { at: number; unit: TsVideoUnit | TsAudioUnit }[] = [];
  const parameterSets = [new Uint8Array(25).fill(0x67), new Uint8Array(6).fill(0x68)];
  for (let frame = 0; frame < 25; frame += 1) {
    const bytes = frame === 0 ? keyframeBytes : pictureBytes;
    const data = new Uint8Array(4 + bytes).fill(frame + 2);
    data.set([0, bytes >>> 16, bytes >>> 8, bytes, frame === 0 ? 0x65 : 0x41]);
    const dts = frame * 40;
    const keyframe = frame === 0;
    units.push({ at: dts, unit: { dts, pts: dts + 80, keyframe, data, nalLengthSize: 4, parameterSets } });
  }
  for (let group = 0; group < 15; group += 1) {
    const pieces: Uint8Array[] = [];
    for (let frame = 0; frame < 3; frame += 1) {
      pieces.push(Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 0x18, 0x3f, 0xfc), new Uint8Array(186).fill(frame));
    }
    units.push({ at: group * 67, unit: { pts: group * 67, pcr: false, pieces } });
  }
  return units.sort((first, second) => first.at - second.at).map(({ unit }) => unit);
}

/** Writes one second into new memory, as a fan-out group does it. */
function mux(muxer: TsMuxer, units: readonly (TsVideoUnit | TsAudioUnit)[]): Uint8Array {
  let size = muxer.tablesSize();
  for (const unit of units) size += 'pieces' in unit ? muxer.audioSize(unit) : muxer.videoSize(unit);
  const target = new Uint8Array(size);
  let offset = muxer.writeTables(target, 0);
  for (const unit of units) {
    offset =
      'pieces' in unit ? muxer.writeAudio(target, offset, unit) : muxer.writeVideo(target, offset, unit);
  }
  return target;
}

const bench = new Bench({ time: 1000, warmupTime: 300 });
const bytesOf = new Map<string, number>();

for (const [rate, keyframeBytes, pictureBytes] of [
  ['258 kbps', 9000, 600],
  ['4 Mbps', 80_000, 17_000],
] as const) {
  const units = makeSecond(keyframeBytes, pictureBytes);
  const muxer = new TsMuxer({ video: 'h264', audio: 'aac' });
  const second = mux(muxer, units);
  const name = `mux, ${rate}`;
  bytesOf.set(name, second.length);
  bench.add(name, () => {
    mux(muxer, units);
  });
  for (const readSize of [1316, 65_536]) {
    const readName = `demux, ${rate}, reads of ${String(readSize)}`;
    bytesOf.set(readName, second.length);
    bench.add(readName, () => {
      const demuxer = new TsDemuxer();
      let events = 0;
      for (let offset = 0; offset < second.length; offset += readSize) {
        events += demuxer.write(second.subarray(offset, offset + readSize)).length;
      }
      if (events + demuxer.end().length < 25) throw new Error('pictures are missing');
    });
  }
}

await bench.run();
console.table(
  bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name} did not complete`);
    const milliseconds = result.latency.mean;
    return {
      case: name,
      'us a second of stream': (milliseconds * 1000).toFixed(1),
      'MB/s': ((bytesOf.get(name) ?? 0) / milliseconds / 1000).toFixed(0),
    };
  }),
);
