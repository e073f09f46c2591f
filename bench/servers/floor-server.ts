/**
 * The floor: what it costs Node to write the same bytes at the same times to the same number of sockets, and
 * nothing else. No protocol, no parsing; every accepted connection gets the stream from then on.
 *
 * Arguments: port, FLV file, flush interval in ms.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { FlvReader } from '@sluice/media/flv';

/** Bytes of the chunk header that an RTMP server writes before each message. */
const CHUNK_HEADER_BYTES = 8;
/** Time of the last message of the file, ms. */
const LAST_MESSAGE_MS = 23;

const [port = '', file = '', interval = ''] = process.argv.slice(2);
const flushMs = Number(interval);

const tags = new FlvReader().write(readFileSync(file)).filter((tag) => tag.type !== 18);
const roundMs = (tags.at(-1)?.timestamp ?? 0) + LAST_MESSAGE_MS;
const messages = tags.map((tag) => ({
  timestamp: tag.timestamp,
  bytes: Buffer.concat([Buffer.alloc(CHUNK_HEADER_BYTES), tag.body]),
}));
const sockets = new Set<Socket>();
const cursor = { round: 0, index: 0 };

function nextBytes(untilMs: number): Buffer {
  const due: Buffer[] = [];
  for (;;) {
    const message = messages[cursor.index];
    if (message === undefined || cursor.round * roundMs + message.timestamp >= untilMs) break;
    due.push(message.bytes);
    cursor.index += 1;
    if (cursor.index === messages.length) {
      cursor.index = 0;
      cursor.round += 1;
    }
  }
  return Buffer.concat(due);
}

const started = performance.now();
setInterval(() => {
  const bytes = nextBytes(performance.now() - started);
  for (const socket of sockets) socket.write(bytes);
}, flushMs);

createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
  socket.resume();
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
