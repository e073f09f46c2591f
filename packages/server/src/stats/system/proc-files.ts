import { readFileSync } from 'node:fs';

/** Where system figures are read from: the kernel's files, or a test's. */
export interface ProcFiles {
  /** The text of a file, e.g. `/proc/stat`; undefined where there is none. */
  text(path: string): string | undefined;
}

/** The kernel's own files. They are made in memory when they are read, so no disk is waited for. */
export function kernelFiles(): ProcFiles {
  return {
    text: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
  };
}
