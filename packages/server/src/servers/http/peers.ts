import type { IncomingMessage } from 'node:http';

/** The proxies whose `X-Forwarded-*` counts; `TrustedProxies` fits. */
export interface TrustedPeers {
  trusts(address: string | undefined): boolean;
  forwarded(
    peer: string | undefined,
    headers: IncomingMessage['headers'],
  ): { readonly ip: string; readonly host: string | undefined };
}

/** Nobody's `X-Forwarded-*` counts. */
export const NO_TRUSTED_PEERS: TrustedPeers = {
  trusts: () => false,
  forwarded: (peer, { host }) => ({ ip: peer ?? '', host }),
};

/** The address of the client, which may be behind a trusted proxy; empty when the peer is gone already. */
export function clientAddress({ headers, socket }: IncomingMessage, peers: TrustedPeers): string {
  return peers.forwarded(socket.remoteAddress, headers).ip;
}

/** Puts the host that the client has asked for into the place of the one that a trusted proxy has asked for. */
export function useForwardedHost({ headers, socket }: IncomingMessage, peers: TrustedPeers): void {
  if (!peers.trusts(socket.remoteAddress)) return;
  const { host } = peers.forwarded(socket.remoteAddress, headers);
  if (host !== undefined) headers.host = host;
}
