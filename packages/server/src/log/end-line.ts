import { type EndReason, endReasons, type Session } from '../stats/index.ts';

/**
 * The one line that a connection leaves at its end.
 *
 * @param detail - what exactly went wrong, where there is more to say than the reason's own words
 */
export function endLine(session: Session, reason: EndReason, detail?: string): string {
  const seconds = ((performance.now() - session.since) / 1000).toFixed(1);
  const what = session.stream === '' ? session.type : `${session.type} ${session.app}/${session.stream}`;
  const source = session.publish || session.source === undefined ? '' : `, source ${session.source}`;
  return (
    `closed: ${reason} (${detail ?? endReasons[reason]}), ${what}, ${seconds} s, ` +
    `in ${session.bytesIn} B, out ${session.bytesOut} B, dropped ${session.droppedFrames} frames${source}`
  );
}
