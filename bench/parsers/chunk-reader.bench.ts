/**
 * Micro benchmark of the chunk layer: `tsx bench/parsers/chunk-reader.bench.ts` (with `--conditions=sluice-source`
 * to run from the sources). One iteration is one second of a 258 kbps publisher: 25 video and 43 audio messages.
 */
import { ChunkReader, ChunkWriter } from '@sluice/rtmp';
import type { RtmpMessage } from '@sluice/rtmp';
import { Bench } from 'tinybench';

/** One second of a stream in chunks of one size, after the Set Chunk Size that announces it. */
function makeSecond(chunkSize: number): { start: Uint8Array; second: Uint8Array; messages: number } {
  const messages: RtmpMessage[] = [];
  for (let frame = 0; frame < 25; frame += 1) {
    const payload = new Uint8Array(frame === 0 ? 9000 : 600).fill(frame);
    messages.push({ chunkStreamId: 6, type: 9, streamId: 1, timestamp: frame * 40, payload });
  }
  for (let frame = 0; frame < 43; frame += 1) {
    const payload = new Uint8Array(186).fill(frame);
    messages.push({ chunkStreamId: 4, type: 8, streamId: 1, timestamp: frame * 23, payload });
  }
  messages.sort((first, second) => first.timestamp - second.timestamp);
  const writer = new ChunkWriter();
  const size = Uint8Array.of(chunkSize >>> 24, chunkSize >>> 16, chunkSize >>> 8, chunkSize);
  const start = writer.encode({ chunkStreamId: 2, type: 1, streamId: 0, timestamp: 0, payload: size });
  writer.setChunkSize(chunkSize);
  return { start, second: writer.encodeAll(messages), messages: messages.length };
}

const bench = new Bench({ time: 1000, warmupTime: 300 });
const perTask = new Map<string, number>();

for (const chunkSize of [128, 4096, 60_000]) {
  const { start, second, messages } = makeSecond(chunkSize);
  for (const readSize of [700, 16_384, 65_536]) {
    const name = `read, chunks of ${chunkSize}, reads of ${readSize}`;
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < second.length; offset += readSize) {
      pieces.push(second.subarray(offset, offset + readSize));
    }
    let count = 0;
    const reader = new ChunkReader({
      onMessage: () => {
        count += 1;
      },
    });
    reader.write(start);
    perTask.set(name, messages);
    bench.add(name, () => {
      for (const piece of pieces) {
        reader.write(piece);
      }
      if (count === 0) {
        throw new Error('no message was read');
      }
    });
  }
}

await bench.run();
console.table(
  bench.tasks.map(({ name, result }) => {
    const hz = 'throughput' in result ? result.throughput.mean : 0;
    const rate = hz * (perTask.get(name) ?? 0);
    return { name, 'messages/s': Math.round(rate), 'ns/message': Math.round(1e9 / rate) };
  }),
);
