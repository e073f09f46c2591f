import { MediaError } from '@sluice/media';
import { bytesEqual } from '@sluice/media/bytes';
import { type Mp4Repair, repairMp4, runReadSteps } from '@sluice/media/mp4';

import { type Disk, DiskError, type DiskFile } from '../disk/index.ts';
import { FLV_START_BYTES, kindsPatch } from './flv-head.ts';
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
 * What became of a file:
 * - `mended`: it is whole again, under this path;
 * - `nothing-to-play`: it was removed;
 * - `whole`: one that was written on had been finished before: nothing was wrong.
 */
export type MendResult =
  { readonly state: 'mended'; readonly file: MendedFile } | { readonly state: 'nothing-to-play' | 'whole' };

/**
 * Makes a whole file of one that was left unfinished by a crash or a fault, and gives it its name (or, where that
 * is taken, one with a number). An empty one beside an FLV file says that this was being written on: it is put right
 * where it is.
 *
 * @param path - the name that it is to have
 * @throws DiskError; NotFlvError or MediaError when it is something else
 */
export async function mend(disk: Disk, workPath: string, path: string): Promise<MendResult> {
  if (await isWrittenOn(disk, workPath, path)) {
    const appended = await mendFlv(disk, path, 'from-index');
    await disk.remove(workPath);
    return appended?.changed === true
      ? { state: 'mended', file: { path, bytes: appended.bytes, durationMs: appended.durationMs } }
      : { state: 'whole' };
  }
  const mended = await (containerOf(path) === 'mp4'
    ? mendMp4(disk, workPath)
    : mendFlv(disk, workPath, 'whole'));
  if (mended === undefined) {
    await disk.remove(workPath);
    return { state: 'nothing-to-play' };
  }
  const name = await freeName(disk, path);
  await disk.rename(workPath, name);
  const { bytes, durationMs } = mended;
  return { state: 'mended', file: { path: name, bytes, durationMs } };
}

/** What a mended file has. */
interface Contents extends Omit<MendedFile, 'path'> {
  /** Something was wrong with it. */
  readonly changed: boolean;
}

/** Whether an unfinished file only marks that the file with the name itself was written on. */
export async function isWrittenOn(disk: Disk, workPath: string, path: string): Promise<boolean> {
  if (containerOf(path) !== 'flv' || (await disk.size(workPath)) !== 0) return false;
  return (await disk.size(path)) !== undefined;
}

/** The path itself, or with the first number that no file has. */
export async function freeName(disk: Disk, path: string): Promise<string> {
  for (let number = 0; number <= MAX_NUMBERED_NAMES; number += 1) {
    const name = numberedPath(path, number);
    if ((await disk.size(name)) === undefined) return name;
  }
  throw new DiskError('bad-name', path, `${path}: ${MAX_NUMBERED_NAMES} files have this name with a number`);
}

/** @param look - at how much of it; one that grows for years has to be looked at from its last keyframe on only */
async function mendFlv(
  disk: Disk,
  path: string,
  look: 'whole' | 'from-index',
): Promise<Contents | undefined> {
  const file = await disk.open(path, 'update');
  try {
    // The crash came before anything was written.
    if (file.size < FLV_START_BYTES) return undefined;
    const { head, kinds, index, end, mediaTags, firstTimestamp, lastTimestamp } = await readFlvContents(
      file,
      look === 'whole',
    );
    if (mediaTags === 0 && look === 'whole') return undefined;
    let changed = end < file.size;
    if (changed) await file.truncate(end);
    const durationMs = lastTimestamp - firstTimestamp;
    const facts = { durationMs, fileSize: end, index };
    for (const { position, bytes } of [...head.patches(facts), kindsPatch(kinds)]) {
      if (bytesEqual(await file.read(position, bytes.length), bytes)) continue;
      changed = true;
      await file.writeAt(position, bytes);
    }
    return { bytes: end, durationMs, changed };
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
      const { size, tail, patch } = recording.finishInPieces();
      await file.truncate(size);
      for (const piece of tail) await file.append(piece);
      await file.writeAt(patch.offset, patch.bytes);
    }
    return { bytes: file.size, durationMs: recording.duration, changed: state === 'cut' };
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
