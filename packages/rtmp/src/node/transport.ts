import { connect as connectTcp, isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { RtmpUrl } from '../client/index.ts';
import { RtmpError } from '../errors.ts';

/** Codes of the operating system, in words. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'connection reset',
};

/**
 * Opens the socket that a URL asks for; it is paused.
 *
 * @throws RtmpError `connection-failed`, `timeout`
 */
export function openSocket(
  url: RtmpUrl,
  timeoutMs: number,
  { tls, lookup }: { readonly tls?: ConnectionOptions; readonly lookup?: LookupFunction },
): Promise<Socket> {
  const { host, port, secure } = url;
  const target = { host, port, ...(lookup === undefined ? {} : { lookup }) };
  const socket = secure
    ? connectTls({ ...(isIP(host) === 0 ? { servername: host } : {}), ...tls, ...target })
    : connectTcp({ ...target, noDelay: true });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(new RtmpError('timeout', `no connection to ${host}:${port} within ${timeoutMs} ms`));
    }, timeoutMs);
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(describeSocketError(`can't connect to ${host}:${port}`, error));
    };
    function fail(error: RtmpError): void {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    }
    socket.once('error', onError);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.setNoDelay(true);
      socket.pause();
      resolve(socket);
    });
  });
}

/** An operating system's error as ours, in words. */
export function describeSocketError(what: string, error: NodeJS.ErrnoException): RtmpError {
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new RtmpError('connection-failed', `${what}: ${reason}`, { cause: error });
}
