import { concatBytes } from '../bytes/index.ts';
import { FlvToMp4 } from './flv-to-mp4.ts';
import { FlvToTs } from './flv-to-ts.ts';

/** What {@link remuxFlv} makes: `mp4` is fragmented MP4 (CMAF's, for streams), `ts` is MPEG-TS. */
export interface RemuxFlvOptions {
  readonly to: 'mp4' | 'ts';
}

/**
 * Turns a stream of FLV bytes into MPEG-TS or fragmented MP4 as it comes. For an ordinary MP4 file, see
 * {@link FlvToMp4}, or {@link remuxFlvFile} for a whole file in memory.
 *
 * @param source Pieces of any size, such as a Node stream, the body of a `fetch`, or an array.
 * @throws MediaError for bytes that are not FLV, or hold nothing that the format can.
 */
export async function* remuxFlv(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { to }: RemuxFlvOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (to === 'ts') {
    const converter = new FlvToTs();
    for await (const bytes of source) {
      const packets = converter.write(bytes);
      if (packets.length > 0) yield packets;
    }
    yield converter.end();
    return;
  }
  const converter = new FlvToMp4({ fragmented: true });
  for await (const bytes of source) yield* converter.write(bytes);
  yield* converter.end().pieces;
}

/**
 * Turns a whole FLV file into MPEG-TS or an ordinary, seekable MP4.
 *
 * @returns new bytes.
 * @throws MediaError as {@link remuxFlv}.
 */
export function remuxFlvFile(file: Uint8Array, { to }: RemuxFlvOptions): Uint8Array {
  if (to === 'ts') {
    const converter = new FlvToTs();
    return concatBytes([converter.write(file), converter.end()]);
  }
  const converter = new FlvToMp4();
  const pieces = converter.write(file);
  const { pieces: last, patch } = converter.end();
  const result = concatBytes([...pieces, ...last]);
  if (patch !== undefined) result.set(patch.bytes, patch.offset);
  return result;
}
