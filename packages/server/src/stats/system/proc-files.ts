import { readFileSync } from 'node:fs';

/** Where system figures are read from: the kernel's files, or a test's. */
export interface ProcFiles {
  /** The text of a file, e.g. `/proc/stat`; undefined where there is none. */
  text(path: string): string | undefined;
  /** As {@link ProcFiles.text}, for what is no text. A view or a copy: nobody else writes to it. */
  bytes(path: string): Uint8Array | undefined;
}

/** The kernel's own files. They are made in memory when they are read, so no disk is waited for. */
export function kernelFiles(): ProcFiles {
  return {
    text: (path) => read(path)?.toString('utf8'),
    bytes: read,
  };
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
