import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { clientAddress, type TrustedPeers } from './peers.ts';
import type { RequestTarget } from './request-target.ts';

/**
 * Files that are there without a disk: another room makes them, the HTTP server sends them with conditions,
 * ranges, content coding and HEAD. They go before live streams and directories.
 */
export interface VirtualFiles {
  /**
   * The file that a request is for; undefined lets the request go on. It is asked for every GET and HEAD, so
   * it must be quick, and it must not throw.
   */
  find(request: VirtualRequest): VirtualAnswer | undefined;
  /** Nothing has the file: a sentence for the 404's body, where there is more to say than that. */
  absence?(request: VirtualRequest): string | undefined;
}

/** What a virtual file is chosen by. */
export interface VirtualRequest {
  readonly method: 'GET' | 'HEAD';
  /** Lower-case host name without port: `?vhost=` when it is there, else the Host header; may be empty. */
  readonly host: string;
  /** Percent-decoded and clean, as names are written in file names: see {@link RequestTarget.filePath}. */
  readonly path: string;
  /** The absolute path of the file that the directories have for this request, whether or not it is there. */
  readonly file: string | undefined;
  /** The path as it came, percent-encoded: printable ASCII. */
  readonly rawPath: string;
  /** The query as it came, with its `?`, or an empty string: printable ASCII. */
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  /** The client's, also behind a trusted proxy. Empty when the peer is gone already. */
  readonly remoteAddress: string;
}

/**
 * A file; the status that says why there is none for this client; or word that the request goes on to the
 * directories, whose answer's bytes of content are to be told to `sent`.
 */
export type VirtualAnswer =
  | VirtualFile
  | { readonly refused: 403 | 404 | 503 }
  | { readonly onDisk: { sent(bytes: number): void } }
  /** Somebody has to be asked first. */
  | { readonly pending: Promise<VirtualAnswer> };

/** A file in memory. */
export interface VirtualFile {
  readonly contentType: string;
  readonly cacheControl: string;
  /**
   * Changes with the content; with its quotes, `W/` in front when other content codings share it. Undefined
   * for what differs each time. Text with a strong one is not compressed.
   */
  readonly etag: string | undefined;
  /**
   * The content, asked for once, when it is sent. Text is sent as UTF-8 and compressed when that is worth it;
   * bytes are sent as they are, also in part, and are not copied: they must not change any more.
   */
  content(): string | Uint8Array;
  /** Whether other clients get the very same text: what is compressed then is kept for them. */
  readonly shared: boolean;
  /** Told how many bytes of content were given to the socket for this request. */
  sent?(bytes: number): void;
}

/** A request as {@link VirtualFiles} sees it. Cheap to make: what costs is read when it is asked for. */
export class VirtualFileRequest implements VirtualRequest {
  readonly #incoming: IncomingMessage;
  readonly #target: RequestTarget;
  readonly file: string | undefined;

  readonly #peers: TrustedPeers;

  constructor(
    incoming: IncomingMessage,
    { target, file, peers }: { target: RequestTarget; file: string | undefined; peers: TrustedPeers },
  ) {
    this.#peers = peers;
    this.#incoming = incoming;
    this.#target = target;
    this.file = file;
  }

  get method(): 'GET' | 'HEAD' {
    return this.#incoming.method === 'HEAD' ? 'HEAD' : 'GET';
  }

  get host(): string {
    return this.#target.host;
  }

  get path(): string {
    return this.#target.filePath;
  }

  get rawPath(): string {
    return this.#target.rawPath;
  }

  get search(): string {
    return this.#target.search;
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  get remoteAddress(): string {
    return clientAddress(this.#incoming, this.#peers);
  }
}
