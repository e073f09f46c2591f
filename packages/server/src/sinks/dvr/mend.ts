import { type Disk, DiskError } from '../disk/index.ts';
import { readFlvContents } from './flv-scan.ts';
import { MAX_NUMBERED_NAMES } from './limits.ts';
import { containerOf, numberedPath } from './recording-paths.ts';

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
 * @throws DiskError; NotFlvError when it is something else
 */
export async function mend(disk: Disk, workPath: string, path: string): Promise<MendedFile | undefined> {
  const mended = containerOf(path) === 'flv' ? await mendFlv(disk, workPath) : undefined;
  if (mended === undefined) {
    await disk.remove(workPath);
    return undefined;
  }
  const name = await freeName(disk, path);
  await disk.rename(workPath, name);
  return { path: name, ...mended };
}

/** The path itself, or with the first number that no file has. */
export async function freeName(disk: Disk, path: string): Promise<string> {
  for (let number = 0; number <= MAX_NUMBERED_NAMES; number += 1) {
    const name = numberedPath(path, number);
    if ((await disk.size(name)) === undefined) return name;
  }
  throw new DiskError('bad-name', path, `${path}: ${MAX_NUMBERED_NAMES} files have this name with a number`);
}

async function mendFlv(
  disk: Disk,
  workPath: string,
): Promise<{ readonly bytes: number; readonly durationMs: number } | undefined> {
  const file = await disk.open(workPath, 'update');
  try {
    if (file.size === 0) return undefined;
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
