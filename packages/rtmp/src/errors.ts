/**
 * Every failure that this library reports, by its stable code, and the number that SRS uses for the same
 * failure where it has one (tools and logs of SRS users look for it).
 *
 * - `handshake-version`: C0 or S0 asks for something other than plain RTMP version 3.
 * - `handshake-failed`: the peer's handshake can't be continued.
 * - `chunk-start`: a message starts in a way the chunk stream's state doesn't allow.
 * - `chunk-size`: Set Chunk Size asks for a size outside 1..2^31-1.
 * - `packet-size`: a header changes the length of a message that is already being received.
 * - `message-too-large`: a message declares more bytes than `maxMessageBytes`.
 * - `too-many-chunk-streams`: the peer opens more chunk streams than `maxChunkStreams`.
 * - `pending-limit`: unfinished or held-back messages take more memory than their limit.
 * - `bad-message`: the body of a message doesn't follow its format.
 * - `connect-expected`: a command came before `connect`.
 * - `tc-url`: `connect` has no usable `tcUrl`.
 * - `stream-name`: `play` or `publish` has no usable stream name.
 * - `bad-state`: a call was made that the session's state doesn't allow.
 * - `rejected`: the server refused connect, play or publish; `status` holds what it said.
 * - `timeout`: the peer didn't answer in time.
 * - `connection-failed`: the transport could not be opened.
 * - `connection-closed`: the transport closed or the session was closed before the work was done.
 */
export type RtmpErrorCode =
  | 'handshake-version'
  | 'handshake-failed'
  | 'chunk-start'
  | 'chunk-size'
  | 'packet-size'
  | 'message-too-large'
  | 'too-many-chunk-streams'
  | 'pending-limit'
  | 'bad-message'
  | 'connect-expected'
  | 'tc-url'
  | 'stream-name'
  | 'bad-state'
  | 'rejected'
  | 'timeout'
  | 'connection-failed'
  | 'connection-closed';

/** The numbers of SRS for the codes that have one there. */
const srsNumbers: Partial<Record<RtmpErrorCode, number>> = {
  'handshake-version': 2000,
  'chunk-start': 2001,
  'connect-expected': 2005,
  'tc-url': 2006,
  'bad-message': 2007,
  'chunk-size': 2010,
  'packet-size': 2013,
  'handshake-failed': 2016,
};

/** What a server said in an `onStatus` or `_error` information object. */
export interface RtmpStatus {
  /** `status`, `warning` or `error`. */
  readonly level: string;
  /** For instance `NetStream.Publish.BadName`. */
  readonly code: string;
  /** Text for people; empty when there was none. */
  readonly description: string;
  /** Where the server sends the client instead (`ex.redirect` of a 302 refusal). */
  readonly redirect?: string;
}

/** Options of an {@link RtmpError}. */
export interface RtmpErrorOptions {
  /** The error below this one. */
  readonly cause?: unknown;
  /** What the server said, for the code `rejected`. */
  readonly status?: RtmpStatus;
}

/** The only error class that this library throws or rejects with. */
export class RtmpError extends Error {
  /** Stable code of the failure. */
  readonly code: RtmpErrorCode;
  /** SRS's error number for the same failure, where it has one. */
  readonly number: number | undefined;
  /** What the server said, for the code `rejected`. */
  readonly status: RtmpStatus | undefined;

  constructor(code: RtmpErrorCode, message: string, options: RtmpErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'RtmpError';
    this.code = code;
    this.number = srsNumbers[code];
    this.status = options.status;
  }
}
