import type { ClientRegistry } from '../../clients/index.ts';
import type { LimitsConfig, VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import type { Log } from '../../log/index.ts';

/** What {@link HlsHandler} needs of the server. */
export interface HlsContext {
  readonly log: Log;
  readonly source: HlsSource;
  readonly clients: ClientRegistry;
  config(): { readonly limits: Pick<LimitsConfig, 'maxHlsViewers' | 'maxHlsViewersPerAddress'> };
  findVhost(host: string): VhostConfig | undefined;
}

/** Playlists, segments and keys that are in memory. */
export interface HlsSource {
  /**
   * @param path - the absolute path of a file, whether or not it is on the disk (yet)
   */
  findFile(path: string): HlsItem | undefined;
  /**
   * What is in memory only (`hls_storage`, `hls_mount`).
   *
   * @param vhost - the name of the vhost
   * @param path - decoded, e.g. `/live/livestream.m3u8`
   */
  findUrl(vhost: string, path: string): HlsItem | undefined;
  /**
   * The stream that has written a file in this run and still looks after it.
   *
   * @param path - as for `findFile`
   */
  ownerOf(path: string): StreamId | undefined;
  /** Why the playlist of a stream that is published is not there, where it will not come; as `findFile`, `findUrl`. */
  absenceAt(vhost: string, file: string | undefined, path: string): string | undefined;
}

/** One thing that a viewer fetches. */
export type HlsItem = HlsPlaylist | HlsSegment;

/** A live media playlist. */
export interface HlsPlaylist {
  readonly kind: 'playlist';
  readonly stream: StreamId;
  /** `hls_ctx`: each viewer gets a session of its own. */
  readonly sessions: boolean;
  /** `hls_ts_ctx`: the session goes on in the URLs of the segments. */
  readonly segmentSessions: boolean;
  /** `hls_master_m3u8_path_relative`. */
  readonly relativeMaster: boolean;
  /** Changes with the text. */
  readonly version: string;
  readonly targetDurationMs: number;
  /** Bit/s and pixels; what is not known yet is 0 or absent. */
  readonly variant: {
    readonly bandwidth: number;
    readonly averageBandwidth: number;
    readonly codecs?: string | undefined;
    readonly width?: number | undefined;
    readonly height?: number | undefined;
  };
  /**
   * The playlist.
   *
   * @param query - put behind each own segment's URI: empty, or a `?` and what follows
   */
  text(query: string): string;
}

/** A segment or a key, whole; its bytes never change. */
export interface HlsSegment {
  readonly kind: 'segment' | 'key';
  readonly stream: StreamId;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Changes with the bytes. */
  readonly version: string;
}
