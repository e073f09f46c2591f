/** How a connection is made again after a failure; the waits in ms. */
export interface RetryPolicy {
  /** Failures in a row that are put up with; Infinity for ever. */
  readonly attempts: number;
  /** Wait after the first failure; it doubles with each in a row. Default 1,000. */
  readonly firstDelayMs?: number;
  /** The longest wait. Default 30,000. */
  readonly maxDelayMs?: number;
}

/**
 * How long to wait for the next attempt, ms; undefined when there is none.
 *
 * @param failures in a row, with the present one
 */
export function retryDelay(policy: RetryPolicy | undefined, failures: number): number | undefined {
  if (policy === undefined || failures > policy.attempts) return undefined;
  const { firstDelayMs = 1_000, maxDelayMs = 30_000 } = policy;
  return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(30, failures - 1));
}
