import { RtmpError } from '../errors.ts';
import {
  fillAnswer,
  fillPart,
  findDigest,
  handshakePartBytes,
  isAnswer,
  playerKey,
  serverKey,
} from './digest.ts';
import type { HandshakeSchema } from './digest.ts';
import type { HandshakeProgress } from './server.ts';
import { checkVersion, plainVersion } from './version.ts';

/** Version in C1 of the complex handshake; that of a Flash player that knows it. */
const playerVersion = 0x0980_7c02;

/** Options of a {@link ClientHandshake}. */
export interface ClientHandshakeOptions {
  /**
   * `complex` falls back to the simple handshake by itself when the server doesn't know the complex one. Default
   * `complex`.
   */
  readonly kind?: 'complex' | 'simple';
  /** Layout of the complex C1. Default 1, the one that most servers try first or at all. */
  readonly schema?: HandshakeSchema;
  /** C1's clock in ms, modulo 2^32. Default 0. */
  readonly time?: number;
}

/** The client's side of the handshake (Adobe RTMP 1.0, 5.2). Sans-I/O. */
export class ClientHandshake {
  #c0c1 = new Uint8Array(1 + handshakePartBytes);
  #ownDigest: Uint8Array | undefined;
  #incoming = new Uint8Array(1 + 2 * handshakePartBytes);
  #received = 0;
  #kind: 'complex' | 'simple' | undefined;

  constructor(options: ClientHandshakeOptions = {}) {
    const complex = options.kind !== 'simple';
    const c1 = this.#c0c1.subarray(1);
    this.#c0c1[0] = plainVersion;
    this.#ownDigest = fillPart(
      c1,
      options.time ?? 0,
      complex ? playerVersion : 0,
      complex ? (options.schema ?? 1) : undefined,
      playerKey,
    );
  }

  /** Which handshake the server answers; `undefined` until S1 is complete. */
  get kind(): 'complex' | 'simple' | undefined {
    return this.#kind;
  }

  /** C0 and C1, to be sent first. */
  start(): Uint8Array {
    return this.#c0c1;
  }

  /**
   * Takes the next bytes of the connection, however they are cut.
   *
   * @param bytes used during the call only
   * @throws RtmpError `handshake-version`, `handshake-failed`
   */
  write(bytes: Uint8Array): HandshakeProgress {
    const incoming = this.#incoming;
    const used = Math.min(bytes.length, incoming.length - this.#received);
    incoming.set(bytes.subarray(0, used), this.#received);
    this.#received += used;
    if (this.#received > 0) {
      checkVersion('S0', incoming[0] ?? 0);
    }
    const reply =
      this.#kind === undefined && this.#received >= 1 + handshakePartBytes
        ? this.#answer(incoming.subarray(1, 1 + handshakePartBytes))
        : undefined;
    const done = this.#received === incoming.length;
    if (done) {
      this.#checkS2(incoming.subarray(1 + handshakePartBytes));
      this.#free();
    }
    return { reply, done, used };
  }

  /** C2: signed for a server that knows the complex handshake, the echo of S1 for others. */
  #answer(s1: Uint8Array): Uint8Array {
    const c2 = new Uint8Array(handshakePartBytes);
    const found = this.#ownDigest === undefined ? undefined : findDigest(s1, serverKey);
    if (found === undefined) {
      this.#kind = 'simple';
      c2.set(s1);
    } else {
      this.#kind = 'complex';
      fillAnswer(c2, found.digest, playerKey);
    }
    return c2;
  }

  /** A complex S2 proves that the server has read C1; what simple servers send differs too much to check. */
  #checkS2(s2: Uint8Array): void {
    if (
      this.#kind === 'complex' &&
      this.#ownDigest !== undefined &&
      !isAnswer(s2, this.#ownDigest, serverKey)
    ) {
      throw new RtmpError('handshake-failed', "S2 doesn't answer the digest of C1");
    }
  }

  /** A connection may live long: the handshake's bytes shouldn't. */
  #free(): void {
    this.#c0c1 = new Uint8Array(0);
    this.#incoming = new Uint8Array(0);
    this.#ownDigest = undefined;
  }
}
