import type { IncomingHttpHeaders } from 'node:http';
import type { VirtualFile } from './virtual-files.ts';

/**
 * Other ways to send a file of the directories than as it is: a seek into an FLV, a recording as HLS. Asked
 * for each GET and HEAD of a file that is there, and of a name below one (`/vod/x.flv/index.m3u8`).
 */
export interface FileDoor {
  /**
   * How the file is to be sent; undefined sends it as it is, or answers 404 for a name below it. Must not
   * reject for what is wrong with the file or the request: that is a refusal.
   */
  open(file: OpenedFile, request: FileRequest): Promise<FileAnswer | undefined>;
}

/** A regular file inside a directory that is served; no part of its path is a symbolic link. */
export interface OpenedFile {
  /** Absolute. */
  readonly path: string;
  /** Bytes, at the time of the request: the file may be growing. */
  readonly size: number;
  /** Ms since the epoch, with a fraction. */
  readonly modifiedMs: number;
  /** The name asked for below the file, e.g. `index.m3u8`; empty for the file itself. */
  readonly below: string;
}

/** The rest of the request. */
export interface FileRequest {
  readonly query: URLSearchParams;
  /** The path as it came, percent-encoded: printable ASCII. */
  readonly rawPath: string;
  /** The query as it came, with its `?`, or an empty string: printable ASCII. */
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
}

/** How a file is sent. */
export type FileAnswer =
  /** As though the client had sent this `Range` header; one that it did send goes before. */
  | { readonly kind: 'range'; readonly range: string }
  /** `head` and then the file from the byte `from` on, together one representation with its own length. */
  | { readonly kind: 'spliced'; readonly head: Uint8Array; readonly from: number }
  /** Something made of the file. */
  | { readonly kind: 'made'; readonly file: VirtualFile }
  /** Nothing; `text` tells people why. */
  | { readonly kind: 'refused'; readonly status: 400 | 404 | 416 | 422 | 503; readonly text: string };
