import { extname } from 'node:path';

import type { FileAnswer, FileDoor, FileRequest, OpenedFile } from '../http/index.ts';
import { seekFlv } from './flv-seek.ts';
import { mp4Range } from './mp4-range.ts';

/** What {@link VodDoor} is made of. */
export interface VodDoorOptions {
  /** Answers names below a file, e.g. `x.flv/index.m3u8`. Default nobody. */
  readonly below?: FileDoor;
}

const FLV: ReadonlySet<string> = new Set(['.flv', '.fhv']);
const MP4: ReadonlySet<string> = new Set(['.mp4', '.m4v', '.m4a', '.mov']);

/** Recordings that are played from a directory: seeks into FLV and MP4, and what is made of a file. */
export class VodDoor implements FileDoor {
  readonly #below: FileDoor | undefined;

  constructor({ below }: VodDoorOptions = {}) {
    this.#below = below;
  }

  async open(file: OpenedFile, request: FileRequest): Promise<FileAnswer | undefined> {
    if (file.below !== '') return this.#below?.open(file, request);
    if (request.search === '') return undefined;
    const extension = extname(file.path).toLowerCase();
    if (FLV.has(extension)) return seekFlv(file, request.query);
    return MP4.has(extension) ? mp4Range(request.query) : undefined;
  }
}
