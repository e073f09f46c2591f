import type { EncodedBatch } from '../live/index.ts';
import type { Framing } from './framing.ts';

/** A batch is closed at this size, so that players can take a large GOP in pieces. */
export const BATCH_BYTES = 256 * 1024;

/** Media and its framing around it, as one new piece; `write` fills the media, which begins at the offset. */
export function wrapped(
  framing: Framing,
  size: number,
  write: (bytes: Uint8Array, offset: number) => void,
): Uint8Array {
  const { suffix } = framing;
  const head = framing.prefix(size);
  const bytes = Buffer.allocUnsafe(head.length + size + suffix.length);
  bytes.set(head);
  write(bytes, head.length);
  bytes.set(suffix, head.length + size);
  return bytes;
}

/** What a player gets of a batch that begins with the packet of this index: framed anew, the media not copied. */
export function framedTail(framing: Framing, { bytes, offsets }: EncodedBatch, index: number): Uint8Array[] {
  if (index === 0) return [bytes];
  const { suffix } = framing;
  const from = offsets[index] ?? bytes.length - suffix.length;
  const length = bytes.length - suffix.length - from;
  return length === 0 ? [] : [framing.prefix(length), bytes.subarray(from)];
}
