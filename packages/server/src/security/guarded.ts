import type { VhostConfig } from '../config/index.ts';

/** Not everyone may play the streams of a vhost: clients are asked who they are. */
export function isGuarded({ httpHooks, security, token }: VhostConfig): boolean {
  return (
    security.enabled || (token.enabled && token.play) || (httpHooks.enabled && httpHooks.onPlay.length > 0)
  );
}

/** Who may play depends on the stream, and not on the client alone. */
export function isGuardedByStream({ httpHooks, token }: VhostConfig): boolean {
  return (token.enabled && token.play) || (httpHooks.enabled && httpHooks.onPlay.length > 0);
}
