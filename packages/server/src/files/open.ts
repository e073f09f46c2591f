import { MediaFileError } from './errors.ts';
import { FileBytes } from './file-bytes.ts';
import { FlvFile } from './flv-file.ts';
import type { MediaFile, MediaFormat } from './media-file.ts';
import { Mp4File } from './mp4-file.ts';

/** Box types that an MP4 or QuickTime file begins with. */
const FIRST_BOXES: ReadonlySet<string> = new Set([
  'ftyp',
  'styp',
  'moov',
  'moof',
  'mdat',
  'sidx',
  'free',
  'skip',
  'wide',
  'pnot',
]);

const SNIFF_BYTES = 16;

/**
 * Opens a media file. Its first bytes tell what it is, not its name.
 *
 * @throws MediaFileError `missing`, `denied`, `not-a-file`, `not-media`, `no-media`, `damaged`, `io`
 */
export async function openMediaFile(path: string): Promise<MediaFile> {
  const bytes = await FileBytes.open(path);
  try {
    const format = await sniffMediaFormat(bytes);
    return format === 'flv' ? new FlvFile(bytes) : await Mp4File.open(bytes);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/**
 * Tells the container of a file by its first bytes.
 *
 * @throws MediaFileError `not-media`, `io`
 */
export async function sniffMediaFormat(bytes: FileBytes): Promise<MediaFormat> {
  const head = new Uint8Array(SNIFF_BYTES);
  const count = await bytes.read(head, 0);
  if (count >= 4 && head[0] === 0x46 && head[1] === 0x4c && head[2] === 0x56) return 'flv';
  if (count >= 8 && FIRST_BOXES.has(String.fromCharCode(...head.subarray(4, 8)))) return 'mp4';
  const what = count === 0 ? 'it is empty' : 'its first bytes are neither FLV nor MP4';
  throw new MediaFileError('not-media', `${bytes.path} is no media file: ${what}`);
}
