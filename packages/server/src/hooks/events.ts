import type { VhostConfig } from '../config/index.ts';
import type { ClientRequest } from '../security/index.ts';
import type { EndReason } from '../stats/index.ts';

/** A client's connection is over. */
export interface CloseEvent {
  readonly action: 'on_close';
  readonly client: ClientRequest;
  readonly reason: EndReason;
  /** Bytes that the server sent to the client. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A publisher or a player has ended; its connection may go on. */
export interface LeaveEvent {
  readonly action: 'on_unpublish' | 'on_stop';
  readonly client: ClientRequest;
  /** Why the connection ended, when it did. */
  readonly reason?: EndReason | undefined;
}

/** Which stream a file is of. */
interface StreamFile {
  readonly vhost: VhostConfig;
  readonly app: string;
  readonly stream: string;
}

/** A recording is finished (V006). */
export interface DvrEvent extends StreamFile {
  readonly action: 'on_dvr';
  readonly recording: {
    /** As `dvr_path` makes it: relative to `cwd` when that is. */
    readonly file: string;
    readonly cwd: string;
    readonly durationMs: number;
    readonly bytes: number;
  };
}

/** A segment is finished (L021); tells `on_hls_notify`, too. */
export interface HlsEvent extends StreamFile {
  readonly action: 'on_hls';
  readonly segment: {
    /** Absolute path. */
    readonly file: string;
    /** Percent-encoded: relative to `hls_path`, or a whole URL with `hls_entry_prefix`. */
    readonly url: string;
    /** As the playlist names it: percent-encoded, relative to the playlist, or a whole URL with `hls_entry_prefix`. */
    readonly uri: string;
    readonly durationMs: number;
    readonly sequence: number;
    /** Absolute path. */
    readonly playlist: string;
    /** Percent-encoded, relative to `hls_path`. */
    readonly playlistUrl: string;
  };
}

/** What callback servers are told after the fact. */
export type HookEvent = CloseEvent | LeaveEvent | DvrEvent | HlsEvent;
