import type { Socket } from 'node:net';

/** Of a head that is longer nothing is taken off: the parser behind refuses it. */
const MAX_HEAD_BYTES = 16 * 1024;
/** `HTTP/1.1 1`: by so many bytes an informational head is known. */
const MARK_BYTES = 10;

/**
 * Takes informational heads (1xx, RFC 9110 §15.2) from before a response. undici breaks the connection at a 100 that it
 * has not asked for, which servers may send all the same. 101 is left, as nobody has asked for another protocol.
 */
export class InformationalFilter {
  /** The next bytes begin a response. */
  #atHead = false;
  #held: Buffer = Buffer.alloc(0);

  /** A request is sent: what comes next is the head of its response. */
  requested(): void {
    this.#atHead = true;
  }

  /** @returns what is left of the bytes; empty while it isn't known what they are */
  take(bytes: Buffer): Buffer {
    if (!this.#atHead) return bytes;
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = Buffer.alloc(0);
    for (;;) {
      const end = informationalEnd(rest);
      if (end === 'not') {
        this.#atHead = false;
        return rest;
      }
      if (end === 'unknown') {
        this.#held = rest;
        return Buffer.alloc(0);
      }
      rest = rest.subarray(end);
    }
  }
}

/** Where the informational head ends that the bytes begin with. */
function informationalEnd(bytes: Buffer): number | 'not' | 'unknown' {
  const start = bytes.toString('latin1', 0, MARK_BYTES + 2);
  const mark = 'HTTP/1.1 1';
  if (start.length < MARK_BYTES) return mark.startsWith(start) ? 'unknown' : 'not';
  if (!start.startsWith(mark)) return 'not';
  if (start.length < MARK_BYTES + 2) return 'unknown';
  if (start.endsWith('101') || bytes.length > MAX_HEAD_BYTES) return 'not';
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? 'unknown' : end + 4;
}

/** Lets a socket of undici's read no informational heads; one request at a time is sent on it. */
export function skipInformational(socket: Socket): void {
  const filter = new InformationalFilter();
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  const write = socket.write.bind(socket) as (...values: unknown[]) => boolean;
  socket.read = (size?: number): Buffer | null => {
    for (;;) {
      const bytes = read(size);
      if (bytes === null) return null;
      const rest = filter.take(bytes);
      if (rest.length > 0) return rest;
    }
  };
  socket.write = (...values: unknown[]): boolean => {
    filter.requested();
    return write(...values);
  };
}
