import type { VhostConfig } from '../../config/index.ts';
import { referAllows } from '../../security/index.ts';

/** Why a stream may not be used in a vhost. */
export type ClaimProblem = 'refer-denied' | 'bandwidth-rejected';

/**
 * Whether a stream of the vhost may be played or published. A `?vhost=` on its name may have led to another vhost than
 * connect did (R033), which has its say here as it would have had at connect.
 *
 * @param pageUrl - the page that the client named at connect; may be empty
 */
export function claimProblem(
  { bandcheck, refer }: VhostConfig,
  pageUrl: string,
  what: 'play' | 'publish',
): ClaimProblem | undefined {
  if (bandcheck.enabled) return 'bandwidth-rejected';
  const allowed = referAllows(refer, 'all', pageUrl) && referAllows(refer, what, pageUrl);
  return allowed ? undefined : 'refer-denied';
}
