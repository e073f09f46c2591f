import { MediaError } from '@sluice/media';
import { type Mp4Repair, repairMp4, runReadSteps } from '@sluice/media/mp4';

import { type Disk, DiskError, type DiskFile } from '../disk/index.ts';
import { FLV_START_BYTES } from './flv-head.ts';
import { readFlvContents } from './flv-scan.ts';
import { MAX_NUMBERED_NAMES } from './limits.ts';
import { containerOf, numberedPath } from './recording-paths.ts';

/** No MP4 has its head, and a frame, in so few bytes. */
const LEAST_MP4_BYTES = 512;

/** A file that was left unfinished and is whole again. */
export interface MendedFile {
  readonly path: string;
  readonly bytes: number;
  readonly durationMs: number;
}

/**
 * Makes a whole file of one that was left unfinished by a crash or a fault, and gives it its name (or, where that
 * is taken, one with a number).
 *
 * @param path - the name that it is to have
 * @returns undefined when there was nothing to play in it: it is removed
 * @throws DiskError; NotFlvError or MediaError when it is something else
 */
export async function mend(disk: Disk, workPath: string, path: string): Promise<MendedFile | undefined> {
  const mended = await (containerOf(path) === 'mp4' ? mendMp4(disk, workPath) : mendFlv(disk, workPath));
  if (mended === undefined) {
    await disk.remove(workPath);
    return undefined;
  }
  const name = await freeName(disk, path);
  await disk.rename(workPath, name);
  return { path: name, ...mended };
}

/** What a mended file has. */
type Contents = Omit<MendedFile, 'path'>;

/** The path itself, or with the first number that no file has. */
export async function freeName(disk: Disk, path: string): Promise<string> {
  for (let number = 0; number <= MAX_NUMBERED_NAMES; number += 1) {
    const name = numberedPath(path, number);
    if ((await disk.size(name)) === undefined) return name;
  }
  throw new DiskError('bad-name', path, `${path}: ${MAX_NUMBERED_NAMES} files have this name with a number`);
}

async function mendFlv(disk: Disk, workPath: string): Promise<Contents | undefined> {
  const file = await disk.open(workPath, 'update');
  try {
    // The crash came before anything was written.
    if (file.size < FLV_START_BYTES) return undefined;
    const { head, index, end, mediaTags, firstTimestamp, lastTimestamp } = await readFlvContents(file, true);
    if (mediaTags === 0) return undefined;
    if (end < file.size) await file.truncate(end);
    const durationMs = lastTimestamp - firstTimestamp;
    for (const { position, bytes } of head.patches({ durationMs, fileSize: end, index })) {
      await file.writeAt(position, bytes);
    }
    return { bytes: end, durationMs };
  } finally {
    await file.close();
  }
}

async function mendMp4(disk: Disk, workPath: string): Promise<Contents | undefined> {
  const file = await disk.open(workPath, 'update');
  try {
    const repair = await inspectMp4(file);
    if (repair === undefined || repair.state === 'empty') return undefined;
    const { state, recording } = repair;
    if (state === 'cut') {
      const { size, tail, patch } = recording.finish();
      await file.truncate(size);
      await file.append(tail);
      await file.writeAt(patch.offset, patch.bytes);
    }
    return { bytes: file.size, durationMs: recording.duration };
  } finally {
    await file.close();
  }
}

/** Undefined when the crash came before the head of the file was written. */
async function inspectMp4(file: DiskFile): Promise<Mp4Repair | undefined> {
  if (file.size < LEAST_MP4_BYTES) return undefined;
  try {
    return await runReadSteps(repairMp4(file.size), ({ offset, length }) => file.read(offset, length));
  } catch (error) {
    if (error instanceof MediaError && error.code === 'short-read') return undefined;
    throw error;
  }
}
