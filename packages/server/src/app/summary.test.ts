import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LiveHub } from '../live/index.ts';
import { type Session, Sessions } from '../stats/index.ts';
import { Summary } from './summary.ts';

function session(id: string, publish: boolean): Session & { bytesIn: number; bytesOut: number } {
  const names = { ip: '', vhost: 'v', app: 'a', stream: 's', tcUrl: '', pageUrl: '', swfUrl: '' };
  const type = publish ? 'fmle-publish' : 'rtmp-play';
  return {
    id,
    publish,
    type,
    ...names,
    startedAt: 0,
    since: 0,
    bytesIn: 0,
    bytesOut: 0,
    videoFrames: 0,
    droppedFrames: 0,
  };
}

describe('Summary', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('G006 says what goes on, while something does', () => {
    const lines: string[] = [];
    const log = pino({}, { write: (json: string) => lines.push((JSON.parse(json) as { msg: string }).msg) });
    const sessions = new Sessions();
    const summary = new Summary(sessions, new LiveHub(), log, 10_000);
    vi.advanceTimersByTime(30_000);
    expect(lines).toEqual([]);
    const publisher = session('p', true);
    const player = session('1', false);
    sessions.add(publisher);
    sessions.add(player);
    publisher.bytesIn = 1_250_000;
    player.bytesOut = 2_500_000;
    vi.advanceTimersByTime(10_000);
    expect(lines[0]).toMatch(
      /^0 streams, 1 publishers in 1000,250,250 kbps, 1 players out 2000,500,500 kbps, memory \d+ MB$/,
    );
    sessions.remove(player);
    vi.advanceTimersByTime(10_000);
    expect(lines[1]).toMatch(/1 publishers in 0,\d+,\d+ kbps, 0 players out 0,\d+,\d+ kbps/);
    summary.stop();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
