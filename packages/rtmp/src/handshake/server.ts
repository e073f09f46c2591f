import { fillAnswer, fillPart, findDigest, handshakePartBytes, playerKey, serverKey } from './digest.ts';
import { checkVersion, plainVersion } from './version.ts';

/** Version in S1. Clients check the digests of a server whose version isn't 0. */
const serverVersion = 0x0405_0001;

/** What came of one `write()` to a handshake. */
export interface HandshakeProgress {
  /** Bytes to send now; the receiver owns them. */
  readonly reply: Uint8Array | undefined;
  /** Whether the handshake is over. */
  readonly done: boolean;
  /** How many of the given bytes belong to the handshake; those behind them are chunks. */
  readonly used: number;
}

/**
 * The server's side of the handshake (Adobe RTMP 1.0, 5.2): complex, which Adobe has not published, if C1 has a valid
 * digest, else simple. C2 is awaited but not checked. Sans-I/O; holds C1 only while it comes in.
 */
export class ServerHandshake {
  readonly #time: number;
  #c0c1: Uint8Array | undefined = new Uint8Array(1 + handshakePartBytes);
  #received = 0;
  #kind: 'complex' | 'simple' | undefined;

  /** @param time S1's clock in ms, modulo 2^32. Default 0 */
  constructor(time = 0) {
    this.#time = time;
  }

  /** Which handshake the client asked for; `undefined` until C1 is complete. */
  get kind(): 'complex' | 'simple' | undefined {
    return this.#kind;
  }

  /**
   * Takes the next bytes of the connection, however they are cut.
   *
   * @param bytes used during the call only
   * @throws RtmpError `handshake-version`
   */
  write(bytes: Uint8Array): HandshakeProgress {
    let used = 0;
    let reply: Uint8Array | undefined;
    const c0c1 = this.#c0c1;
    if (c0c1 !== undefined) {
      used = Math.min(bytes.length, c0c1.length - this.#received);
      c0c1.set(bytes.subarray(0, used), this.#received);
      this.#received += used;
      if (this.#received > 0) {
        checkVersion('C0', c0c1[0] ?? 0);
      }
      if (this.#received === c0c1.length) {
        reply = this.#answer(c0c1.subarray(1));
        this.#c0c1 = undefined;
        this.#received = 0;
      }
    }
    if (this.#c0c1 === undefined) {
      const c2 = Math.min(bytes.length - used, handshakePartBytes - this.#received);
      this.#received += c2;
      used += c2;
    }
    const done = this.#c0c1 === undefined && this.#received === handshakePartBytes;
    return { reply, done, used };
  }

  /** S0, S1 and S2. */
  #answer(c1: Uint8Array): Uint8Array {
    const reply = new Uint8Array(1 + 2 * handshakePartBytes);
    const s1 = reply.subarray(1, 1 + handshakePartBytes);
    const s2 = reply.subarray(1 + handshakePartBytes);
    const found = findDigest(c1, playerKey);
    reply[0] = plainVersion;
    fillPart(s1, this.#time, serverVersion, found?.schema, serverKey);
    if (found === undefined) {
      this.#kind = 'simple';
      s2.set(c1);
    } else {
      this.#kind = 'complex';
      fillAnswer(s2, found.digest, serverKey);
    }
    return reply;
  }
}
