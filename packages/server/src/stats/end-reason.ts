/**
 * Why a connection ended. Every connection has exactly one reason, the same in the log, the API, the
 * callbacks and the metrics.
 */
export const endReasons = {
  'closed-by-peer': 'the peer closed the connection',
  'socket-error': 'the connection broke',
  'server-shutdown': 'the server is stopping',
  'too-many-connections': 'max_connections is reached',
  'handshake-timeout': 'no handshake within limits.handshake_timeout',
  'protocol-error': 'the peer broke the RTMP protocol',
  'idle-timeout': 'the peer neither published nor played',
  'vhost-not-found': 'no such vhost, or it is off',
  'security-denied': 'the address is not allowed, or denied, by security',
  'token-denied': 'the token is missing, wrong or expired',
  'hook-denied': 'the callback server refused it, or did not answer well in time',
  kicked: 'closed by the API',
  'too-many-from-address': 'the address has too many connections, or connects too often',
  'bandwidth-tested': 'the bandwidth test is done',
  'bandwidth-rejected': 'the key is wrong, or the last test was too short a time ago',
  'refer-denied': 'the page is not in the refer list',
  'stream-busy': 'another publisher has the stream',
  'taken-over': 'another publisher took the stream over',
  'sink-failed': 'the stream could not be written as HLS, and hls_on_error says disconnect',
  'bad-stream-name': 'the stream has no name, or one that cannot be used',
  'publish-first-packet-timeout': 'no media within publish_1stpkt_timeout',
  'publish-timeout': 'no media within publish_normal_timeout',
  'republish-timeout': 'unpublished and not published again in time',
  'play-stalled': 'the player took no bytes for too long',
  'play-duration': 'the asked duration has been played',
  'publisher-gone': 'the publisher went and the player ends with it',
  'play-wait-timeout': 'nobody published the stream within wait_timeout',
  unmounted: 'the configuration no longer has what it was playing by',
  'form-unavailable': 'the stream has nothing for the form that was asked for',
  'internal-error': 'a fault of the server',
} as const;

export type EndReason = keyof typeof endReasons;

/** How connections end when all is well. */
const ordinaryEnds: ReadonlySet<EndReason> = new Set<EndReason>([
  'closed-by-peer',
  'server-shutdown',
  'kicked',
  'bandwidth-tested',
  'taken-over',
  'play-duration',
  'publisher-gone',
  'unmounted',
]);

/** An end that somebody should look at when it is frequent: of a peer, of the network, of a limit or of ours. */
export function isFault(reason: EndReason): boolean {
  return !ordinaryEnds.has(reason);
}
