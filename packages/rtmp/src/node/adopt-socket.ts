/**
 * Reads of an accepted socket, in place.
 *
 * Node gives every read of a socket a fresh 64 KB buffer; with thousands of publishers most of the memory and
 * much of the time goes there. For sockets that a program opens itself, `net.Socket` has the `onread` option:
 * all reads go to one buffer that the program owns. For a socket that a `net.Server` accepted there is no such
 * option, so this file takes the handle out of it and wraps it in a new `net.Socket` that has it. That leans
 * on three inner names of Node (`_handle`, its `useUserBuffer`, and the server's link `_server`); they are
 * looked for before use, and where one is missing the bytes come through `data` events instead, which differs
 * in cost only.
 */
import { Socket } from 'node:net';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';

/** Bytes of the buffer that all adopted sockets read into. */
const readBufferBytes = 65_536;

/**
 * One buffer for the whole process. That is safe because the event loop reads a socket and hands the bytes to
 * its callback in one step: no other read can come in between.
 */
const readBuffer: Uint8Array = new Uint8Array(readBufferBytes);

interface HandleSocketOptions extends SocketConstructorOpts {
  handle: object;
  noDelay: boolean;
  keepAlive: boolean;
  onread: OnReadOpts;
}

/**
 * Takes over a socket that a `net.Server` has just accepted, so that its reads go to a buffer that is used
 * again and again. Call it in the `connection` event itself and use only the returned socket afterwards:
 * `pause()`, `resume()`, `end`, `error`, `close`, `bytesRead`, timeouts and the server's `close()` and
 * `getConnections()` work on it as on any other. It is reading already.
 *
 * @param accepted the socket of the `connection` event; a TLS socket or one of another kind is served through
 *   `data` events and returned itself
 * @param onBytes gets the bytes of each read, valid only until it returns. It must not throw.
 */
export function adoptSocket(accepted: Socket, onBytes: (bytes: Uint8Array) => void): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (!canAdopt(accepted, handle)) {
    accepted.on('data', onBytes);
    return accepted;
  }
  const server: unknown = Reflect.get(accepted, '_server');
  const options: HandleSocketOptions = {
    handle,
    allowHalfOpen: accepted.allowHalfOpen,
    // The server has set these on the handle; the new socket has to know, or it would not turn them off.
    noDelay: isOn(server, 'noDelay'),
    keepAlive: isOn(server, 'keepAlive'),
    onread: {
      buffer: readBuffer,
      callback: (count) => {
        onBytes(readBuffer.subarray(0, count));
        return true;
      },
    },
  };
  // The old wrapper must lose the handle first, or its garbage-collected end could close the connection.
  Reflect.set(accepted, '_handle', null);
  Reflect.set(accepted, '_server', null);
  const adopted = new Socket(options);
  Reflect.set(adopted, '_server', server);
  Reflect.set(adopted, 'server', Reflect.get(accepted, 'server'));
  return adopted;
}

function isOn(server: unknown, option: string): boolean {
  return typeof server === 'object' && server !== null && Reflect.get(server, option) === true;
}

function canAdopt(accepted: Socket, handle: unknown): handle is object {
  return (
    Object.getPrototypeOf(accepted) === Socket.prototype &&
    accepted.readableLength === 0 &&
    !accepted.isPaused() &&
    typeof handle === 'object' &&
    handle !== null &&
    typeof Reflect.get(handle, 'useUserBuffer') === 'function' &&
    '_server' in accepted
  );
}
