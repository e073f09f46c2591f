import { ByteReader } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { BOX_HEADER_BYTES, readBox } from './fields.ts';

/** Bytes of the header that {@link writeHdsFragmentHeader} writes. */
export const HDS_FRAGMENT_HEADER_BYTES = BOX_HEADER_BYTES;
/** The most bytes of FLV tags in a fragment. */
export const HDS_MAX_FRAGMENT_BYTES = 0xffffffff - BOX_HEADER_BYTES;

/**
 * Writes the header of a fragment: an `mdat` box (Adobe F4V 10.1, 2.13), whose content is FLV tags, each with its
 * PreviousTagSize behind it.
 *
 * @param tagBytes - bytes of all tags
 * @throws MediaError `limit-exceeded` when there are more than 32 bits hold, `short-read` when the target has no room
 */
export function writeHdsFragmentHeader(target: Uint8Array, offset: number, tagBytes: number): void {
  if (tagBytes > HDS_MAX_FRAGMENT_BYTES) {
    throw new MediaError('limit-exceeded', `${tagBytes} bytes, a fragment holds ${HDS_MAX_FRAGMENT_BYTES}`);
  }
  if (offset < 0 || offset + BOX_HEADER_BYTES > target.length) {
    throw new MediaError(
      'short-read',
      `${BOX_HEADER_BYTES} bytes wanted at offset ${offset}, the target has ${target.length}`,
    );
  }
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(offset, BOX_HEADER_BYTES + tagBytes); // TotalSize
  view.setUint32(offset + 4, 0x6d646174); // BoxType: mdat
}

/**
 * The FLV tags of a fragment: the content of its `mdat` box, whatever boxes there are besides.
 *
 * @returns a view of `bytes`
 * @throws MediaError `short-read` when a box is cut, `bad-value` when there is no `mdat`.
 */
export function hdsFragmentTags(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes);
  while (reader.remaining > 0) {
    const { type, start, end } = readBox(reader);
    if (type === 'mdat') return bytes.subarray(start, end);
    reader.skip(end - reader.offset);
  }
  throw new MediaError('bad-value', `no mdat box in a fragment of ${bytes.length} bytes`);
}
