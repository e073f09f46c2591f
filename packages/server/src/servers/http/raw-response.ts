import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** How long a peer has to close its side after an error answer, ms, whatever it sends meanwhile. */
const LINGER_MS = 1_000;

/**
 * Answers outside any parsed request, straight on the socket, and closes it: for bytes that are no request,
 * and upgrades that lead nowhere. The body is the status text.
 *
 * @param location - where a redirect leads: printable ASCII
 */
export function answerAndClose(socket: Socket, status: number, serverName: string, location?: string): void {
  const text = STATUS_CODES[status] ?? String(status);
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\n` +
      `Server: ${serverName}\r\n` +
      'Content-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${text.length}\r\n` +
      'Access-Control-Allow-Origin: *\r\n' +
      (location === undefined ? '' : `Location: ${location}\r\n`) +
      `Connection: close\r\n\r\n${text}`,
  );
  // What the peer still sends is read and dropped: closing on unread bytes would reset the connection, and
  // the peer might never see the answer.
  socket.resume();
  const timer = setTimeout(() => {
    socket.destroy();
  }, LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
