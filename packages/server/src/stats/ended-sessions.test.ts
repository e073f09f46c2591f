import { describe, expect, it } from 'vitest';

import { endReasons } from './end-reason.ts';
import { EndedSessions, MAX_ENDED_SESSIONS } from './ended-sessions.ts';
import type { Session } from './session.ts';

const session: Session = {
  id: 'a',
  ip: '192.0.2.1',
  type: 'rtmp-play',
  publish: false,
  vhost: 'v',
  app: 'live',
  stream: 's',
  tcUrl: 'rtmp://v/live?token=secret',
  pageUrl: '',
  swfUrl: '',
  startedAt: 1_000,
  since: 0,
  bytesIn: 11,
  bytesOut: 22,
  videoFrames: 0,
  droppedFrames: 3,
};

describe('EndedSessions', () => {
  it('G004 A005 keeps what a connection was, why and when it ended, and no token', () => {
    const ended = new EndedSessions();
    ended.record(session, 'play-stalled', 'x'.repeat(10_000));
    const [only, ...rest] = ended.latest();
    expect(rest).toEqual([]);
    expect(only).toMatchObject({
      id: 'a',
      ip: '192.0.2.1',
      type: 'rtmp-play',
      stream: 's',
      reason: 'play-stalled',
      startedAt: 1_000,
      bytesIn: 11,
      bytesOut: 22,
      droppedFrames: 3,
    });
    expect(only?.detail).toHaveLength(256);
    expect(only?.endedAt).toBeGreaterThan(1_000);
    expect(JSON.stringify(only)).not.toContain('secret');
  });

  it('keeps the last thousand, the newest first, and counts all', () => {
    const ended = new EndedSessions();
    for (let nth = 0; nth < MAX_ENDED_SESSIONS + 10; nth += 1)
      ended.record({ ...session, id: String(nth) }, 'closed-by-peer');
    expect(ended.size).toBe(MAX_ENDED_SESSIONS);
    const ids = [...ended.latest()].map(({ id }) => Number(id));
    expect(ids).toEqual(
      Array.from({ length: MAX_ENDED_SESSIONS }, (_, back) => MAX_ENDED_SESSIONS + 9 - back),
    );
    expect(ended.counts['closed-by-peer']).toBe(MAX_ENDED_SESSIONS + 10);
    expect([...new EndedSessions().latest()]).toEqual([]);
  });

  it('counts by reason, every reason is there, and faults are told from ordinary ends', () => {
    const ended = new EndedSessions();
    expect(Object.keys(ended.counts)).toEqual(Object.keys(endReasons));
    for (const reason of ['closed-by-peer', 'kicked', 'protocol-error', 'protocol-error'] as const)
      ended.record(session, reason);
    expect(ended.counts).toMatchObject({ kicked: 1, 'protocol-error': 2, 'play-stalled': 0 });
    expect(ended.faults).toBe(2);
  });
});
