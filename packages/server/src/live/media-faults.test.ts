import { describe, expect, it } from 'vitest';

import { packetOf } from './packet-test-kit.ts';
import { MEDIA_FAULT_MEMORY_MS, MediaFaults } from './media-faults.ts';

function setUp() {
  const lines: string[] = [];
  const clock = { now: 1_000 };
  const faults = new MediaFaults(
    (message) => lines.push(message),
    () => clock.now,
  );
  return { lines, clock, faults };
}

describe('MediaFaults', () => {
  it('logs each fault once, counts it, and forgets it when it is not met any more', () => {
    const { lines, clock, faults } = setUp();
    const speex = packetOf('audio', 0, Uint8Array.of(0xb6, 1)).track;
    for (let count = 0; count < 3; count += 1) {
      clock.now += 10;
      faults.unsupported('HLS', speex);
    }
    const message =
      "HLS can't carry audio of codec Speex: publish AAC or MP3, or play it by RTMP or HTTP-FLV";
    expect(faults.current).toEqual([{ code: 'unsupported-codec', message, since: 1_010, count: 3 }]);
    clock.now += MEDIA_FAULT_MEMORY_MS + 1;
    expect(faults.current).toEqual([]);
    faults.unsupported('HLS', speex);
    expect(faults.current).toMatchObject([{ since: clock.now, count: 1 }]);
    expect(lines).toEqual([message]);
  });

  it('logs a fault again after it was over', () => {
    const { lines, faults } = setUp();
    faults.raise('a', 'bad-times', () => 'first');
    faults.clear('a');
    expect(faults.current).toEqual([]);
    faults.raise('a', 'bad-times', () => 'again');
    faults.reset();
    expect(faults.current).toEqual([]);
    expect(lines).toEqual(['first', 'again']);
  });

  it('keeps a bounded number of them', () => {
    const { lines, faults } = setUp();
    for (let key = 0; key < 1_000; key += 1) faults.raise(String(key), 'bad-media', () => `${key}`);
    expect(faults.current.length).toBeLessThanOrEqual(32);
    expect(lines.length).toBe(faults.current.length);
  });
});
