import type { ClientRegistry } from '../../clients/index.ts';
import type { VhostConfig } from '../../config/index.ts';
import type { StreamId } from '../../live/index.ts';
import type { GuardedFile, VirtualAnswer, VirtualRequest } from '../http/index.ts';

/** What a file is by its path. */
export type PlaceKind = 'playlist' | 'segment' | 'key' | 'hds' | 'recording';

/** Whose a file is by its path. */
export type FilePlace =
  | {
      readonly kind: PlaceKind;
      readonly stream: StreamId;
      /** As it is configured now; undefined for one that is gone or off. */
      readonly vhost: VhostConfig | undefined;
      /** The absolute path as the vhost's settings give it, whatever links lead to it. */
      readonly path: string;
    }
  /** It lies where a vhost writes such files, but no template tells the stream. */
  | { readonly kind: 'unknown'; readonly vhost: VhostConfig | undefined; readonly path: string };

/** Whose the files of the directories are. */
export interface FileOwners {
  /** Whether a file is the server's own: configuration, keys, log. Nobody gets these. */
  isPrivate(file: GuardedFile): Promise<boolean>;
  /**
   * All streams that may have written a file and that not everyone may play; none for a file of others.
   */
  placesOf(file: GuardedFile): Promise<readonly FilePlace[]>;
}

/** HLS, as far as its files are concerned. */
export interface HlsFiles {
  findFile(path: string, request: VirtualRequest): VirtualAnswer | undefined;
  ownerOf(path: string): StreamId | undefined;
  stored(
    playlist: { readonly stream: StreamId; readonly text: string; readonly version: string },
    vhost: VhostConfig,
    request: VirtualRequest,
  ): VirtualAnswer;
  /** Undefined where viewers can't be told apart. */
  storedSegment(stream: StreamId, vhost: VhostConfig, request: VirtualRequest): VirtualAnswer | undefined;
}

/** What {@link GuardedFiles} needs of the server. */
export interface GuardedFilesContext {
  readonly log: {
    info(about: { readonly ip: string }, message: string): void;
    debug(about: { readonly ip: string }, message: string): void;
  };
  readonly clients: Pick<ClientRegistry, 'authorize' | 'dismiss'>;
  readonly owners: FileOwners;
  readonly hls: HlsFiles;
}
