import type {
  ChangeLine,
  ConfigEditView,
  EditAuthor,
  EditRequest,
  RollbackRequest,
} from '../config/index.ts';
import type { SystemView } from './system-view.ts';
import type { FlushView, GopView, JitterView, KbpsView, TrafficView } from './traffic-views.ts';

/**
 * What the API reads the server through. Every view may be a live object with getters: the API reads it once,
 * in the turn of the event loop in which it asked for it, and keeps nothing.
 */
export interface ApiSource {
  /** Our own version, `major.minor.revision`. */
  readonly version: string;
  /** Stable for one installation as far as possible, e.g. `vid-1u7r33f`. */
  readonly serverId: string;
  /** New at each start of the process. */
  readonly serviceId: string;
  readonly pid: number;
  /** Every stream that is known, oldest first. Lazy: the API stops when its page is full. */
  streams(): Iterable<StreamView>;
  stream(id: string): StreamView | undefined;
  /** Every publisher and player, oldest first. Lazy: the API stops when its page is full. */
  clients(): Iterable<ClientView>;
  client(id: string): ClientView | undefined;
  /** Every vhost of the configuration, in its order. Lazy: the API stops when its page is full. */
  vhosts(): Iterable<VhostView>;
  vhost(id: string): VhostView | undefined;
  /** The connections that ended last, the newest first, as many as are remembered. Lazy, too. */
  ended(): Iterable<EndedView>;
  totals(): TotalsView;
  /** The machine and this process. */
  system(): SystemView;
}

/** A connection that has ended, as it was then. Names are empty when it never came so far as to have them. */
export interface EndedView {
  readonly id: string;
  readonly ip: string;
  readonly type: ClientType;
  readonly publish: boolean;
  /** The vhost's name. */
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  /** ms since 1970. */
  readonly startedAt: number;
  /** ms since 1970. */
  readonly endedAt: number;
  /** A word for programs, the same as in the log. */
  readonly reason: string;
  readonly detail: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly droppedFrames: number;
}

/** What the whole server has moved since it started, and whom it serves now. */
export interface TotalsView {
  /** Failures of timers, listeners and background work that were caught. */
  readonly internalFaults: number;
  /** Clients and files that were refused for want of descriptors. */
  readonly descriptorRefusals: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Of every kind. */
  readonly connections: number;
  readonly traffic: TrafficView;
}

/** A vhost, and what its streams move. */
export interface VhostView {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Publishers and players. */
  readonly clients: number;
  readonly streams: number;
  readonly players: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly kbps: KbpsView;
  /** Video frames received a second, all streams together. */
  readonly fps: number;
  /** Not sent to players who fell behind. */
  readonly droppedFrames: number;
  readonly jitter: JitterView;
  readonly hls: {
    readonly enabled: boolean;
    /** The length of a segment, ms. */
    readonly fragmentMs: number;
  };
}

/** What the API does to the server. */
export interface ApiControl {
  /**
   * Ends a client, which has the reason `kicked` then.
   *
   * @returns whether there is such a client
   */
  kick(id: string): boolean;
  /** Reads the configuration again and applies it, or changes nothing and says why. */
  reload(): Promise<ReloadResult>;
  /** Changes of the configuration; absent: there are none. */
  readonly changes?: ConfigControl | undefined;
}

/** What a change comes to, or why it is not made. */
export type ConfigAnswer =
  | {
      readonly ok: true;
      /** What is kept. */
      readonly made?: ConfigEditView | undefined;
      readonly removed: readonly ConfigEditView[];
      readonly lines: readonly ChangeLine[];
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The server's configuration as the API changes it. Nothing here rejects. */
export interface ConfigControl {
  /** The newest first. */
  list(): readonly ConfigEditView[];
  change(request: EditRequest, dryRun: boolean): Promise<ConfigAnswer>;
  rollback(which: RollbackRequest, by: EditAuthor, dryRun: boolean): Promise<ConfigAnswer>;
}

/** How a reload ended. */
export type ReloadResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** What is known of a stream's video; a field is absent while nothing told it. */
export interface VideoView {
  /** SRS's name of the codec: `H264`, `HEVC`, `AV1` … */
  readonly codec: string;
  /** E.g. `High`. */
  readonly profile?: string;
  /** E.g. `3.1`. */
  readonly level?: string;
  /** Luma samples. */
  readonly width?: number;
  readonly height?: number;
}

/** What is known of a stream's audio; a field is absent while nothing told it. */
export interface AudioView {
  /** SRS's name of the codec: `AAC`, `MP3` … */
  readonly codec: string;
  /** Hz. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** E.g. `LC`. */
  readonly profile?: string;
}

/** Something that can't be done for a stream at present, while the stream itself goes on. */
export interface FaultView {
  /** `input` (what is published), `ts` (MPEG-TS over HTTP), `hls`, `hds` or `dvr`. */
  readonly sink: string;
  /**
   * Of a disk: `full`, `denied`, `missing`, `bad-name`, `too-slow`, `io` or `internal`; of the media: `unsupported-codec`,
   * `missing-header`, `bad-media` or `bad-times`.
   */
  readonly code: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** How often it was met. */
  readonly count: number;
  /** Its message names no path: everybody may read it. */
  readonly isPublic: boolean;
}

/** A live stream. */
export interface StreamView {
  readonly id: string;
  readonly name: string;
  readonly app: string;
  readonly vhostId: string;
  /** The tcUrl to play it by, e.g. `rtmp://live.example.com/live`. */
  readonly tcUrl: string;
  /** `/app/stream` in the default vhost, else `vhost/app/stream`. */
  readonly url: string;
  /** The publisher; undefined while nobody publishes. */
  readonly publisherId: string | undefined;
  /** For how long the stream has been there, ms. */
  readonly liveMs: number;
  /** Publishers and players. */
  readonly clients: number;
  readonly players: number;
  /** Video messages received from the present publisher, sequence headers included as in SRS. */
  readonly frames: number;
  /** Received from the present publisher. */
  readonly audioFrames: number;
  /** Video frames received a second. */
  readonly fps: number;
  /** Not sent to players who fell behind. */
  readonly droppedFrames: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly kbps: KbpsView;
  /** Undefined until two keyframes have come. */
  readonly gop: GopView | undefined;
  /** Of the present publisher. */
  readonly jitter: JitterView;
  /** Bytes kept for players that join and for those that are behind. */
  readonly heldBytes: number;
  /** Undefined until a player has been sent something. */
  readonly flushes: FlushView | undefined;
  readonly video: VideoView | undefined;
  readonly audio: AudioView | undefined;
  /** Whether HLS of it can be played now: it is on, and its playlist has a segment. */
  readonly hlsReady: boolean;
  /** What lasts now; empty while all is well. */
  readonly faults: readonly FaultView[];
}

/** What a client does, by which protocol; SRS's names where it has one. */
export type ClientType = `${string}-play` | `${string}-publish` | 'unknown';

/** A publisher or a player. */
export interface ClientView {
  readonly id: string;
  readonly vhostId: string;
  readonly streamId: string;
  readonly ip: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  readonly tcUrl: string;
  /** As {@link StreamView.url}. */
  readonly url: string;
  /** The stream's name. */
  readonly name: string;
  readonly type: ClientType;
  readonly publish: boolean;
  /** Seconds since it connected, with a fraction. */
  readonly aliveSeconds: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly kbps: KbpsView;
  /** Video frames published or sent; 0 of an HLS viewer. */
  readonly videoFrames: number;
  /** Of those, a second. */
  readonly fps: number;
  /** Not sent, because the player fell behind. */
  readonly droppedFrames: number;
}
