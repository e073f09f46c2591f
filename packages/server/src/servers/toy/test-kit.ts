/**
 * A seventh protocol, for a test only: what a protocol has to bring of its own. Each message is its length (4 bytes), a
 * type and a body. The client begins with `request`; a player gets `accepted` and an FLV stream in messages of `stream`.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

import type { FlvTagType } from '@sluice/media/flv';

import type {
  ActivePublish,
  Client,
  ClientEnd,
  ClientFailure,
  ClientRegistry,
  ClientTransport,
  StreamTarget,
} from '../../clients/index.ts';
import type { PlayerSink } from '../../live/index.ts';
import { plainAddress } from '../../log/index.ts';
import { flvFamily, plainFraming } from '../../remux/index.ts';

const MAX_MESSAGE_BYTES = 1_048_576;

type ToyMessageType = 'request' | 'accepted' | 'refused' | 'media' | 'stream';
const types: readonly ToyMessageType[] = ['request', 'accepted', 'refused', 'media', 'stream'];

/** A message of the protocol. */
export function toyMessage(type: ToyMessageType, body: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1);
  head[4] = types.indexOf(type);
  return Buffer.concat([head, bytes]);
}

/** Reads messages, however they are cut. */
export class ToyReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws RangeError for a message that is too long or of no known type */
  *read(bytes: Buffer): Generator<{ type: ToyMessageType; body: Buffer }> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE();
      const type = types[this.#rest[4] ?? types.length];
      if (length > MAX_MESSAGE_BYTES || type === undefined) throw new RangeError('not a toy message');
      if (this.#rest.length < 4 + length) return;
      const body = this.#rest.subarray(5, 4 + length);
      this.#rest = this.#rest.subarray(4 + length);
      yield { type, body };
    }
  }
}

/** The server of the protocol: listens, and has nothing else to look after. */
export class ToyServer {
  readonly #server: Server;

  constructor(clients: ClientRegistry) {
    this.#server = createServer((socket) => {
      const ip = plainAddress(socket.remoteAddress);
      if (clients.admit(ip) === undefined) new ToyConnection(socket, ip, clients);
      else socket.destroy();
    });
  }

  /** @returns the port */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  close(): void {
    this.#server.close();
  }
}

class ToyConnection implements ClientTransport {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #reader = new ToyReader();
  #publishing: ActivePublish | undefined;
  #isAnswered = false;

  constructor(socket: Socket, ip: string, clients: ClientRegistry) {
    this.#socket = socket;
    const release = (): void => {
      clients.release(ip);
    };
    this.#client = clients.open({ ip, transport: this, release });
    socket.on('error', (error) => {
      this.#client.end('socket-error', error.message);
    });
    socket.on('close', () => {
      this.#client.closed();
    });
    socket.on('drain', () => {
      this.#client.player?.drained();
    });
    socket.on('data', (bytes) => {
      try {
        for (const { type, body } of this.#reader.read(bytes)) {
          if (type === 'request') this.#request(JSON.parse(body.toString()) as ToyRequest);
          else if (type === 'media') this.#media(body);
        }
        this.#publishing?.flush();
      } catch (error) {
        this.#client.fail(error);
      }
    });
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  get bytesOut(): number {
    return this.#socket.bytesWritten;
  }

  failureOf(error: unknown): ClientFailure | undefined {
    if (!(error instanceof RangeError || error instanceof SyntaxError)) return undefined;
    return { reason: 'protocol-error', detail: error.message };
  }

  close({ publicText }: ClientEnd): void {
    if (!this.#isAnswered) this.#socket.write(toyMessage('refused', publicText));
    this.#socket.destroySoon();
  }

  #request({ action, app, stream, param }: ToyRequest): void {
    const target: StreamTarget = { host: '', app, stream, param, type: `toy-${action}` };
    if (action === 'publish') {
      this.#client.publishTo(target, () => {
        this.#client.startPublish((publishing) => {
          this.#publishing = publishing;
          this.#accept();
        });
      });
      return;
    }
    this.#client.play(target, () => {
      this.#accept();
      this.#client.startPlay({
        sink: framed(this.#socket),
        family: () => flvFamily(plainFraming),
        endsWithPublisher: 'always',
      });
    });
  }

  #accept(): void {
    this.#isAnswered = true;
    this.#socket.write(toyMessage('accepted'));
  }

  /** The kind, the time in 4 bytes, and the body of an FLV tag. */
  #media(body: Buffer): void {
    this.#publishing?.write(body.readUInt8() as FlvTagType, body.readUInt32BE(1), body.subarray(5));
  }
}

/** What a client asks for. */
export interface ToyRequest {
  readonly action: 'play' | 'publish';
  readonly app: string;
  readonly stream: string;
  readonly param: string;
}

/** A socket whose writes are messages. */
function framed(socket: Socket): PlayerSink {
  return {
    get writableLength() {
      return socket.writableLength;
    },
    get destroyed() {
      return socket.destroyed;
    },
    get writableNeedDrain() {
      return socket.writableNeedDrain;
    },
    write: (bytes, taken) => socket.write(bytes.length > 0 ? toyMessage('stream', bytes) : bytes, taken),
    cork: () => {
      socket.cork();
    },
    uncork: () => {
      socket.uncork();
    },
  };
}

/** A client of the protocol. */
export class ToyPeer {
  readonly #socket: Socket;
  readonly #received: { type: ToyMessageType; body: Buffer }[] = [];
  isClosed = false;

  constructor(port: number, request: ToyRequest) {
    const reader = new ToyReader();
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (bytes) => this.#received.push(...reader.read(bytes)));
    this.#socket.on('close', () => {
      this.isClosed = true;
    });
    this.send(toyMessage('request', JSON.stringify(request)));
  }

  /** The answer, as far as it has come: `refused why`. */
  get answer(): string | undefined {
    const first = this.#received[0];
    return first === undefined ? undefined : `${first.type} ${first.body.toString()}`.trimEnd();
  }

  /** The stream that it has got. */
  get stream(): Buffer {
    return Buffer.concat(this.#received.filter(({ type }) => type === 'stream').map(({ body }) => body));
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  media(kind: FlvTagType, timestamp: number, body: Uint8Array): void {
    const head = Buffer.alloc(5);
    head[0] = kind;
    head.writeUInt32BE(timestamp, 1);
    this.send(toyMessage('media', Buffer.concat([head, body])));
  }

  close(): void {
    this.#socket.destroy();
  }
}
