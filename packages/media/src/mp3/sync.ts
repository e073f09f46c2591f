import { MP3_HEADER_BYTES, type Mp3FrameHeader, readMp3FrameHeader } from './frame-header.ts';

/** Where an MPEG audio frame lies in the bytes it was found in. */
export interface Mp3Frame {
  readonly header: Mp3FrameHeader;
  /** The header's first byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/**
 * Looks for a frame header from `start` on. Four bytes look like one by chance often enough, so where the next frame's
 * header should be is looked at too, when the bytes reach that far: it must have the same version, layer and rate.
 * Frames of the free format, whose length no header tells, are not looked for.
 *
 * @returns the header's offset, or -1.
 */
export function findMp3Sync(bytes: Uint8Array, start = 0): number {
  let offset = bytes.indexOf(0xff, start);
  while (offset >= 0) {
    const header = readMp3FrameHeader(bytes, offset);
    if (header !== undefined && nextHeaderAgrees(bytes, offset, header)) return offset;
    offset = bytes.indexOf(0xff, offset + 1);
  }
  return -1;
}

/**
 * Walks the whole frames of `bytes`; bytes between frames that are none (tags, say) are passed over. Ends at the first
 * frame that is not all there: the caller keeps what lies behind the last frame's `end` until more comes.
 */
export function* mp3Frames(bytes: Uint8Array): Generator<Mp3Frame, void> {
  let offset = findMp3Sync(bytes);
  while (offset >= 0) {
    const header = readMp3FrameHeader(bytes, offset);
    if (header?.frameSize === undefined) return;
    const end = offset + header.frameSize;
    if (end > bytes.length) return;
    yield { header, start: offset, end };
    offset = readMp3FrameHeader(bytes, end) === undefined ? findMp3Sync(bytes, end) : end;
  }
}

function nextHeaderAgrees(bytes: Uint8Array, offset: number, header: Mp3FrameHeader): boolean {
  if (header.frameSize === undefined) return false;
  const next = offset + header.frameSize;
  if (next + MP3_HEADER_BYTES > bytes.length) return true;
  const following = readMp3FrameHeader(bytes, next);
  return (
    following?.version === header.version &&
    following.layer === header.layer &&
    following.sampleRate === header.sampleRate
  );
}
