import { describe, expect, it } from 'vitest';

import { defaultVhost } from '../config/index.ts';
import { LiveTotals, type Publication, StreamMeter } from '../live/index.ts';
import { ActivePublish } from './active-publish.ts';

/** A publish since 0 ms, whose publication only counts. */
function make() {
  const calls = { writes: 0, flushes: 0, ends: 0 };
  const publication: Publication = {
    id: 'p',
    meter: new StreamMeter(new LiveTotals()),
    write: () => {
      calls.writes += 1;
    },
    writePacket: () => undefined,
    flush: () => {
      calls.flushes += 1;
    },
    end: () => {
      calls.ends += 1;
    },
  };
  const config = { ...defaultVhost().publish, firstPacketTimeoutMs: 20_000, normalTimeoutMs: 5000 };
  return { calls, config, publishing: new ActivePublish(publication, config, 0) };
}

describe('ActivePublish', () => {
  it('passes on what is published', () => {
    const { calls, publishing } = make();
    publishing.write(9, 0, new Uint8Array(1));
    publishing.flush();
    publishing.end();
    expect(calls).toEqual({ writes: 1, flushes: 1, ends: 1 });
  });

  it('P007 tells the first wait from the later one', () => {
    const { publishing } = make();
    expect(publishing.overdue(20_000)).toBeUndefined();
    expect(publishing.overdue(20_001)).toBe('publish-first-packet-timeout');
    publishing.write(9, 0, new Uint8Array(1));
    expect(publishing.overdue(21_000)).toBeUndefined();
    expect(publishing.overdue(26_000)).toBeUndefined();
    expect(publishing.overdue(26_001)).toBe('publish-timeout');
    publishing.write(8, 0, new Uint8Array(1));
    expect(publishing.overdue(30_000)).toBeUndefined();
    expect(publishing.overdue(35_000)).toBeUndefined();
  });

  it('P007 goes by the limits of another configuration', () => {
    const { config, publishing } = make();
    publishing.configure({ ...config, firstPacketTimeoutMs: 1000 });
    expect(publishing.overdue(1001)).toBe('publish-first-packet-timeout');
  });
});
