import { stat } from 'node:fs/promises';

/** Directories and files whose identity is remembered; the one asked for first is forgotten first. */
const MAX_KEPT = 4_096;
/** How long an identity is believed, ms: a directory may be moved or mounted meanwhile. */
const KEPT_MS = 2_000;

/** Which file a path leads to, whatever links, mounts and letters it goes by: device and inode. */
export class PathIdentities {
  readonly #now: () => number;
  readonly #kept = new Map<
    string,
    { readonly identity: Promise<string | undefined>; readonly until: number }
  >();

  /** @param now - ms of a clock that does not jump */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Undefined when nothing is there. Links are followed. */
  of(path: string): Promise<string | undefined> {
    const now = this.#now();
    const known = this.#kept.get(path);
    if (known !== undefined && known.until > now) return known.identity;
    const identity = identityOf(path);
    this.#kept.delete(path);
    this.#kept.set(path, { identity, until: now + KEPT_MS });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    return identity;
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
