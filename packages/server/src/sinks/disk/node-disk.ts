import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { DiskEntry, DiskFile, SegmentDisk } from './disk.ts';
import { diskError, isAbsent } from './errors.ts';
import { TEMPORARY_SUFFIX } from './temporary.ts';

/** The disk of the machine; every step of it is one of the threads of Node's pool. */
export const nodeDisk: SegmentDisk = {
  async write(path, pieces) {
    const temporary = `${path}${TEMPORARY_SUFFIX}`;
    try {
      const file = await openMakingDirectory(temporary, 'w');
      try {
        await writeAll(file, pieces, 0);
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw diskError(path, error);
    }
  },
  async writeInOrder(files) {
    let count = 0;
    for (const { path, content } of files) {
      try {
        await nodeDisk.write(path, typeof content === 'string' ? Buffer.from(content) : content);
      } catch (error) {
        return { count, error: diskError(path, error) };
      }
      count += 1;
    }
    return { count };
  },
  async open(path, mode) {
    try {
      if (mode === 'create') return new NodeFile(path, await openMakingDirectory(path, 'w+'), 0);
      const handle = await open(path, 'r+');
      return new NodeFile(path, handle, (await handle.stat()).size);
    } catch (error) {
      throw diskError(path, error);
    }
  },
  async rename(from, to) {
    await guard(to, async () => {
      await mkdir(dirname(to), { recursive: true });
      await rename(from, to);
    });
  },
  async remove(path) {
    await ifPresent(path, () => unlink(path));
  },
  size: (path) => ifPresent(path, async () => (await stat(path)).size),
  readText: (path, maxBytes) =>
    ifPresent(path, async () => {
      const file = await open(path, 'r');
      try {
        const { size } = await file.stat();
        if (size > maxBytes) throw new Error(`${size} bytes are more than the ${maxBytes} that are read`);
        return await file.readFile('utf8');
      } finally {
        await file.close();
      }
    }),
  async list(directory) {
    return (await ifPresent(directory, () => entriesOf(directory))) ?? [];
  },
};

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;

  constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async append(pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    await guard(this.path, async () => {
      this.#size += await writeAll(this.#handle, pieces, this.#size);
    });
  }

  async writeAt(position: number, bytes: Uint8Array): Promise<void> {
    await guard(this.path, () => writeAll(this.#handle, bytes, position));
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    return guard(this.path, async () => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === length ? bytes : bytes.subarray(0, filled);
    });
  }

  async truncate(size: number): Promise<void> {
    await guard(this.path, () => this.#handle.truncate(size));
    this.#size = size;
  }

  async close(): Promise<void> {
    await guard(this.path, () => this.#handle.close());
  }
}

/** Writes every byte; a system that takes fewer is asked again, and says at last why. */
async function writeAll(
  file: FileHandle,
  pieces: Uint8Array | readonly Uint8Array[],
  position: number,
): Promise<number> {
  let rest: readonly Uint8Array[] = pieces instanceof Uint8Array ? [pieces] : pieces;
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = beyond(rest, bytesWritten);
  }
  return at - position;
}

/** What is left of the pieces after so many bytes. */
function beyond(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written;
  let index = 0;
  for (; index < pieces.length; index += 1) {
    const length = pieces[index]?.length ?? 0;
    if (length > skip) break;
    skip -= length;
  }
  return pieces.slice(index).map((piece, at) => (at === 0 ? piece.subarray(skip) : piece));
}

async function openMakingDirectory(path: string, flags: 'w' | 'w+'): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await mkdir(dirname(path), { recursive: true });
    return await open(path, flags);
  }
}

async function entriesOf(directory: string): Promise<DiskEntry[]> {
  const entries: DiskEntry[] = [];
  for (const name of await readdir(directory)) {
    const facts = await ifPresent(name, () => stat(join(directory, name)));
    if (facts === undefined) continue;
    const { size, mtimeMs: modifiedMs } = facts;
    entries.push({ name, directory: facts.isDirectory(), size, modifiedMs });
  }
  return entries;
}

async function guard<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw diskError(path, error);
  }
}

async function ifPresent<Value>(path: string, work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw diskError(path, error);
  }
}
