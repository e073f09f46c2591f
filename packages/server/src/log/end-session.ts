import type { EndReason, Session } from '../stats/index.ts';
import { endLine } from './end-line.ts';
import type { Log } from './log.ts';

/** How a session ends, and who is told. */
export interface SessionEnd {
  readonly reason: EndReason;
  /** What exactly went wrong, where there is more to say than the reason's own words. */
  readonly detail?: string | undefined;
  /** The connection's own. */
  readonly log: Log;
  /** `Sessions.ended`. */
  readonly ended: { record(session: Session, reason: EndReason, detail?: string): void };
}

/** Logs and records the end of a connection: once for each, while it still knows what it was. */
export function endSession(session: Session, { reason, detail, log, ended }: SessionEnd): void {
  const line = endLine(session, reason, detail);
  if (reason === 'internal-error') log.error(line);
  else log.info(line);
  ended.record(session, reason, detail);
}
