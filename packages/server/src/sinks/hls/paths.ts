import { posix, resolve, sep } from 'node:path';

import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import { expandPath, PathPattern } from '../disk/index.ts';

/** Where a file is on disk, and how it is named elsewhere. */
export interface HlsName {
  /** Absolute path on disk. */
  readonly file: string;
  /** Path below `hls_path` (of a key: below `hls_key_file_path`), with `/`. */
  readonly path: string;
  /** The reference to it in the playlist: percent-encoded, relative to the playlist or under a prefix. */
  readonly uri: string;
  /** Path under the mount of `ram` and `both`, e.g. `/live/livestream-1.ts`; undefined with `disk`. */
  readonly url: string | undefined;
}

type HlsConfig = VhostConfig['hls'];

/** The names of everything that the HLS of one stream writes (L007, L008, L020). */
export class HlsPaths {
  /** The playlist; its `uri` is its path under the root of URLs, percent-encoded. */
  readonly playlist: HlsName;
  readonly #config: HlsConfig;
  readonly #id: StreamId;
  readonly #utc: boolean;
  readonly #root: string;
  readonly #mountDirectory: string | undefined;

  /**
   * @param at - when the stream is published: what the time in a playlist's name stands for
   * @param utc - times in names are those of UTC
   * @param existing - path below `hls_path` of a playlist that is there already, whatever time its name stands for
   */
  constructor(config: HlsConfig, id: StreamId, at: Date, utc: boolean, existing?: string) {
    this.#config = config;
    this.#id = id;
    this.#utc = utc;
    this.#root = resolve(config.path);
    const path = existing ?? below(expandPath(config.playlistFile, { ...id, at, utc }));
    let url: string | undefined;
    if (config.storage !== 'disk') {
      // What stands before the first slash is a host: that of the vhost, which the HTTP server has looked at.
      const mount = config.mount.slice(Math.max(0, config.mount.indexOf('/')));
      url = posix.join('/', expandPath(mount, { ...id, at, utc }));
    }
    this.#mountDirectory = url === undefined ? undefined : posix.dirname(url);
    this.playlist = { file: resolve(this.#root, path), path, uri: encodePath(path), url };
  }

  /**
   * @param name - what `[seq]` stands for
   * @param at - when the segment began
   */
  segment(name: number, at: Date): HlsName {
    const { segmentFile, floor, entryPrefix } = this.#config;
    // Two origins that name segments by the clock agree on its number, not on its milliseconds.
    const template = floor ? segmentFile.replaceAll('[timestamp]', String(name)) : segmentFile;
    return this.#name(this.#root, this.#expand(template, name, at), entryPrefix);
  }

  key(name: number, at: Date): HlsName {
    const { keyFile, keyFilePath, keyUrl } = this.#config;
    return this.#name(resolve(keyFilePath), this.#expand(keyFile, name, at), keyUrl);
  }

  /** The path below `hls_path` of a segment that a playlist names; undefined when it is not one of ours. */
  segmentOfUri(uri: string): HlsName | undefined {
    return this.#ofUri(uri, this.#root, this.#config.entryPrefix);
  }

  /** The key that a playlist names; undefined when no key of this stream is named so. */
  keyOfUri(uri: string): HlsName | undefined {
    const { keyFilePath, keyUrl } = this.#config;
    const name = this.#ofUri(uri, resolve(keyFilePath), keyUrl);
    return name !== undefined && this.isKey(name.path) ? name : undefined;
  }

  /** Whether a path below `hls_key_file_path` is that of a key of this stream, by its template. */
  isKey(path: string): boolean {
    return this.#isNamedBy(this.#config.keyFile, path);
  }

  /** Whether a path below `hls_path` is that of a segment of this stream, by its template. */
  isSegment(path: string): boolean {
    const { floor, segmentFile } = this.#config;
    return this.#isNamedBy(floor ? segmentFile.replaceAll('[timestamp]', '[seq]') : segmentFile, path);
  }

  #isNamedBy(template: string, path: string): boolean {
    const { vhost, app, stream } = this.#id;
    const { readings } = new PathPattern(below(template), { vhost }).read(path);
    // A template may leave names out: all streams share its files then.
    return readings.some((reading) => (reading.app ?? app) === app && (reading.stream ?? stream) === stream);
  }

  #expand(template: string, sequence: number, at: Date): string {
    return below(expandPath(template, { ...this.#id, sequence, at, utc: this.#utc }));
  }

  #name(root: string, path: string, prefix: string): HlsName {
    const directory = posix.dirname(this.playlist.path);
    const uri =
      prefix === '' ? encodePath(posix.relative(directory, path)) : joinUrl(prefix, encodePath(path));
    const mount = this.#mountDirectory;
    const url = mount === undefined ? undefined : posix.join(mount, posix.relative(directory, path));
    return { file: resolve(root, path), path, uri, url };
  }

  #ofUri(uri: string, root: string, prefix: string): HlsName | undefined {
    const start = prefix === '' ? '' : joinUrl(prefix, '');
    if (!uri.startsWith(start)) return undefined;
    const directory = prefix === '' ? posix.dirname(this.playlist.path) : '.';
    const decoded = decodePath(uri.slice(start.length));
    if (decoded === undefined) return undefined;
    const path = posix.join(directory, decoded);
    const file = resolve(root, path);
    // A playlist that somebody wrote must not make us remove files of others.
    if (!file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return undefined;
    return { ...this.#name(root, path, prefix), uri };
  }
}

/** A path below some root, in its shortest form. */
function below(path: string): string {
  return posix.normalize(path).replace(/^\/+/, '');
}

function encodePath(path: string): string {
  const parts = path.replaceAll(/\p{Surrogate}/gu, '\uFFFD').split('/');
  return parts.map((part) => encodeURIComponent(part)).join('/');
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function joinUrl(base: string, path: string): string {
  return base.endsWith('/') ? `${base}${path}` : `${base}/${path}`;
}
