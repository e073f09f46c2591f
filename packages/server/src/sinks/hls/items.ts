import type { StreamId } from '../../live/index.ts';
import type { HlsName } from './paths.ts';

/** What a master playlist says of a stream. */
export interface HlsVariant {
  /** The most of any segment in the playlist, bit/s. */
  readonly bandwidth: number;
  /** bit/s. */
  readonly averageBandwidth: number;
  /** As in RFC 6381, e.g. `avc1.64001f,mp4a.40.2`; undefined while a track's is not known. */
  readonly codecs?: string | undefined;
  /** Pixels. */
  readonly width?: number | undefined;
  /** Pixels. */
  readonly height?: number | undefined;
}

/** A live playlist in memory. */
export interface HlsPlaylistItem {
  readonly kind: 'playlist';
  readonly stream: StreamId;
  /** `hls_ctx`: players are told apart by a session in the playlist's URL. */
  readonly sessions: boolean;
  /** `hls_ts_ctx`: and the segments' URLs have it too. */
  readonly segmentSessions: boolean;
  /** `hls_master_m3u8_path_relative`. */
  readonly relativeMaster: boolean;
  /** Changes with the text, and is never the same for another text of the same playlist. */
  readonly version: string;
  readonly targetDurationMs: number;
  readonly variant: HlsVariant;
  /** @param query - put behind the URI of each own segment, with its `?`; empty for none */
  text(query: string): string;
}

/** A segment or a key in memory. */
export interface HlsBytesItem {
  readonly kind: 'segment' | 'key';
  readonly stream: StreamId;
  /** Never changed: the HTTP server may send it for as long as it likes. */
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly version: string;
}

/** What the HTTP server gets. */
export type HlsItem = HlsPlaylistItem | HlsBytesItem;

/** What of HLS is in memory, by its names. */
export interface HlsSource {
  /** @param path - the absolute path of a file, whether or not it is on disk (yet) */
  findFile(path: string): HlsItem | undefined;
  /**
   * Finds what `ram` and `both` serve under `hls_mount`.
   *
   * @param path - with names as they are written in file names, e.g. `/live/livestream.m3u8`
   */
  findUrl(vhost: string, path: string): HlsItem | undefined;
  /** @param path - the absolute path of a file; whose it is while an output looks after it */
  ownerOf(path: string): StreamId | undefined;
}

/** Gives an item, or nothing while there is none. */
export type ItemProvider = () => HlsItem | undefined;

/** Everything in memory under the names that it is asked for. */
export class ItemRegistry implements HlsSource {
  readonly #files = new Map<string, ItemProvider>();
  readonly #urls = new Map<string, ItemProvider>();
  /** By file: also what is on disk only. */
  readonly #owners = new Map<string, StreamId>();
  /** By vhost and path under the mount. */
  readonly #urlOwners = new Map<string, StreamId>();

  findFile(path: string): HlsItem | undefined {
    return this.#files.get(path)?.();
  }

  findUrl(vhost: string, path: string): HlsItem | undefined {
    return this.#urls.get(urlKey(vhost, path))?.();
  }

  ownerOf(path: string): StreamId | undefined {
    return this.#owners.get(path);
  }

  /** The stream that has this file, or this path under its mount, now or as soon as there is something. */
  streamOf(vhost: string, file: string | undefined, path: string): StreamId | undefined {
    const owner = file === undefined ? undefined : this.#owners.get(file);
    return owner ?? this.#urlOwners.get(urlKey(vhost, path));
  }

  /** A stream has a file of this name from now on, in memory or on disk. */
  own({ file, url }: HlsName, stream: StreamId): void {
    this.#owners.set(file, stream);
    if (url !== undefined) this.#urlOwners.set(urlKey(stream.vhost, url), stream);
  }

  /** The stream does not look after the file any more. */
  disown({ file, url }: HlsName, stream: StreamId): void {
    if (this.#owners.get(file) === stream) this.#owners.delete(file);
    if (url === undefined) return;
    const key = urlKey(stream.vhost, url);
    if (this.#urlOwners.get(key) === stream) this.#urlOwners.delete(key);
  }

  add(vhost: string, name: HlsName, provider: ItemProvider): void {
    this.#files.set(name.file, provider);
    if (name.url !== undefined) this.#urls.set(urlKey(vhost, name.url), provider);
  }

  /** Removes the names that still lead to this provider. */
  remove(vhost: string, name: HlsName, provider: ItemProvider): void {
    if (this.#files.get(name.file) === provider) this.#files.delete(name.file);
    if (name.url === undefined) return;
    const key = urlKey(vhost, name.url);
    if (this.#urls.get(key) === provider) this.#urls.delete(key);
  }
}

function urlKey(vhost: string, path: string): string {
  return `${vhost}\n${path}`;
}
