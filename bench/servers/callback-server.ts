/**
 * A callback server that says yes to everything after a while. It knows only as much of HTTP as the callbacks need
 * (a head, Content-Length, keep-alive), so that it takes little of the core that it shares with the load.
 *
 * Arguments: port, delay in ms. Each message from the parent is answered with the number of requests since the start
 * and the most of them that waited at once.
 */
import { createServer, type Socket } from 'node:net';

const [port = '', delay = ''] = process.argv.slice(2);
const delayMs = Number(delay);
const YES = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n0';
const HEAD_END = Buffer.from('\r\n\r\n');

const counts = { requests: 0, waiting: 0, mostWaiting: 0 };

function takeRequest(socket: Socket): void {
  counts.requests++;
  counts.waiting++;
  counts.mostWaiting = Math.max(counts.mostWaiting, counts.waiting);
  setTimeout(() => {
    counts.waiting--;
    socket.write(YES);
  }, delayMs);
}

/** Where the next request begins, or -1 while this one is not all there. */
function endOfRequest(bytes: Buffer): number {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return -1;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const end = headEnd + HEAD_END.length + length;
  return bytes.length < end ? -1 : end;
}

createServer({ noDelay: true }, (socket) => {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    for (let end = endOfRequest(held); end >= 0; end = endOfRequest(held)) {
      held = held.subarray(end);
      takeRequest(socket);
    }
  });
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });

process.on('message', () => {
  process.send?.({ requests: counts.requests, mostWaiting: counts.mostWaiting });
});
process.on('disconnect', () => {
  process.exit();
});
