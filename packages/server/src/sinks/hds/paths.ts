import { basename, posix, resolve } from 'node:path';

import { buildHdsManifest, hdsFragmentName } from '@sluice/media/hds';

import type { StreamId } from '../../live/index.ts';
import { expandPath } from '../disk/index.ts';

/** The only segment: fragments are numbered through. */
const SEGMENT = 1;

/** The names of all files of HDS, below `hds_path`, as templates. */
export const HDS_TEMPLATES = [
  '[app]/[stream].f4m',
  '[app]/[stream].abst',
  `[app]/[stream]Seg${SEGMENT}-Frag[seq]`,
] as const;

/** Where the HDS of one stream is on disk (D001). */
export class HdsPaths {
  readonly manifest: string;
  readonly bootstrap: string;
  /** What all names begin with. */
  readonly #base: string;

  /** @param root - `hds_path` */
  constructor(root: string, id: StreamId) {
    const path = posix.normalize(expandPath('[app]/[stream]', id)).replace(/^\/+/, '');
    this.#base = resolve(root, path);
    this.manifest = `${this.#base}.f4m`;
    this.bootstrap = `${this.#base}.abst`;
  }

  fragment(number: number): string {
    return `${this.#base}${hdsFragmentName(SEGMENT, number)}`;
  }

  /** The manifest's text. */
  manifestText(): string {
    const name = basename(this.#base).replaceAll(/\p{Surrogate}/gu, '\uFFFD');
    const url = encodeURIComponent(name);
    const urls = { bootstrapUrl: `${url}.abst`, mediaUrl: url };
    return buildHdsManifest({ id: name, streamType: 'live', bitrate: 0, ...urls });
  }
}
