import type { AmfObject } from '@sluice/media/amf';
import { describe, expect, it } from 'vitest';

import { BandwidthClient } from './bandwidth-client.ts';
import { BandwidthGate, bandwidthRejection } from './bandwidth-gate.ts';
import { type BandwidthEnd, type BandwidthResult, BandwidthTest } from './bandwidth-test.ts';
import { BANDWIDTH_TICK_MS, BandwidthCall } from './names.ts';
import { PADDING_BYTES } from './padding.ts';

const OVERHEAD_BYTES = 64;

/** Both sides, joined by a network that takes so much in a tick; the clock is moved by hand. */
class Rig {
  readonly calls: string[] = [];
  readonly ends: BandwidthEnd[] = [];
  readonly results: BandwidthResult[] = [];
  readonly test: BandwidthTest;
  held = 0;
  now = 1_000;
  readonly #client: BandwidthClient;
  readonly #flash: boolean;
  #out = 0;
  #in = 0;
  #waiting = 0;

  constructor(
    limitKbps: number,
    { flash = false, networkBytes = Infinity, greedy = false, answers = true } = {},
  ) {
    this.#flash = flash;
    this.networkBytes = networkBytes;
    this.greedy = greedy;
    this.answers = answers;
    this.test = new BandwidthTest(
      {
        limitKbps,
        flash,
        onEnd: (end) => this.ends.push(end),
        link: {
          send: (name, data) => {
            this.#note(name);
            const bytes = name === BandwidthCall.playing ? PADDING_BYTES : OVERHEAD_BYTES;
            this.#out += bytes;
            if (name === BandwidthCall.playing) this.#waiting += bytes;
            this.#queue.push([name, data]);
          },
          bytesIn: () => this.#in,
          bytesOut: () => this.#out,
          waitingBytes: () => this.#waiting,
          holdReading: (hold) => {
            if (hold) this.held += 1;
          },
        },
      },
      this.now,
    );
    this.#client = new BandwidthClient({
      waitingBytes: () => 0,
      onResult: (result) => this.results.push(result),
      send: (name) => {
        this.#send(name);
      },
    });
  }

  readonly networkBytes: number;
  readonly greedy: boolean;
  readonly answers: boolean;
  readonly #queue: [string, AmfObject][] = [];

  run(ms: number): void {
    const end = this.now + ms;
    this.#deliver();
    while (this.now < end && this.ends.length === 0) {
      this.now += BANDWIDTH_TICK_MS;
      this.#waiting = Math.max(0, this.#waiting - this.networkBytes);
      this.test.tick(this.now);
      this.#deliver();
      this.#client.tick(this.now);
      if (this.greedy) this.#in += PADDING_BYTES * 10;
      this.#deliver();
    }
  }

  #send(name: string): void {
    const isConfirmation = /Stopped|final/.test(name);
    if (!this.answers || (this.#flash && isConfirmation)) return;
    this.#note(`< ${name}`);
    this.#in += name === BandwidthCall.publishing ? PADDING_BYTES : OVERHEAD_BYTES;
    expect(this.test.receive(name, this.now)).toBe(true);
  }

  #deliver(): void {
    for (const [name, data] of this.#queue.splice(0)) this.#client.receive(name, [null, data], this.now);
    if (this.#queue.length > 0) this.#deliver();
  }

  #note(name: string): void {
    if (this.calls.at(-1) !== name) this.calls.push(name);
  }
}

describe('BandwidthTest', () => {
  it('B002 plays, then publishes, 3 s each, in the order of the calls, within the limit', () => {
    const rig = new Rig(4_000);
    rig.test.start(rig.now);
    rig.run(60_000);
    expect(rig.calls).toEqual([
      'onSrsBandCheckStartPlayBytes',
      '< onSrsBandCheckStartingPlayBytes',
      'onSrsBandCheckPlaying',
      'onSrsBandCheckStopPlayBytes',
      '< onSrsBandCheckStoppedPlayBytes',
      'onSrsBandCheckStartPublishBytes',
      '< onSrsBandCheckStartingPublishBytes',
      '< onSrsBandCheckPublishing',
      'onSrsBandCheckStopPublishBytes',
      '< onSrsBandCheckStoppedPublishBytes',
      'onSrsBandCheckFinished',
      '< finalClientPacket',
    ]);
    const [end] = rig.ends;
    const [seen] = rig.results;
    expect(end).toEqual({ kind: 'tested', result: seen });
    for (const kbps of [seen?.playKbps ?? 0, seen?.publishKbps ?? 0]) {
      expect(kbps).toBeGreaterThan(3_800);
      expect(kbps).toBeLessThanOrEqual(4_000);
    }
    expect(seen).toMatchObject({ playMs: 3_000, publishMs: 3_000 });
  });

  it('B002 a Flash client confirms nothing that it stops', () => {
    const rig = new Rig(1_000, { flash: true });
    rig.test.start(rig.now);
    rig.run(60_000);
    expect(rig.ends).toHaveLength(1);
    expect(rig.ends[0]?.kind).toBe('tested');
    expect(rig.calls.filter((name) => /Stopped|final/.test(name))).toEqual([]);
  });

  it('B002 measures what the network takes, and lets no more than 256 KB wait', () => {
    const rig = new Rig(1_000_000, { networkBytes: 20_000 });
    rig.test.start(rig.now);
    rig.run(3_100);
    rig.run(60_000);
    const kbps = rig.results[0]?.playKbps ?? 0;
    // 20,000 bytes in 50 ms.
    expect(kbps).toBeGreaterThan(3_000);
    expect(kbps).toBeLessThan(3_300);
  });

  it('B002 holds a client that sends more than the limit', () => {
    const rig = new Rig(1_000, { greedy: true });
    rig.test.start(rig.now);
    rig.run(60_000);
    expect(rig.held).toBeGreaterThan(0);
  });

  it('gives up a client that does not answer', () => {
    const rig = new Rig(1_000, { answers: false });
    rig.test.start(rig.now);
    rig.run(60_000);
    expect(rig.ends).toEqual([{ kind: 'silent', waitedFor: 'onSrsBandCheckStartingPlayBytes' }]);
    expect(rig.now).toBe(11_000);
  });

  it('takes calls out of turn, and others, for nothing', () => {
    const rig = new Rig(1_000, { answers: false });
    rig.test.start(rig.now);
    expect(rig.test.receive('finalClientPacket', rig.now)).toBe(true);
    expect(rig.test.receive('onSrsBandCheckStoppedPublishBytes', rig.now)).toBe(true);
    expect(rig.test.receive('createStream', rig.now)).toBe(false);
    expect(rig.ends).toEqual([]);
    rig.test.close();
    rig.run(60_000);
    expect(rig.ends).toEqual([]);
  });
});

describe('BandwidthGate', () => {
  const bandcheck = { enabled: true, key: 'K y', intervalMs: 30_000, limitKbps: 1_000 };

  it('B001 wants the key', () => {
    const gate = new BandwidthGate();
    for (const tcUrl of [
      'rtmp://h/app',
      'rtmp://h/app?key=other&vhost=v',
      'rtmp://h/app?monkey=K%20y',
      'rtmp://h/app?key=',
      'rtmp://h/app?key=%',
    ]) {
      expect(gate.check(bandcheck, tcUrl, 0)).toEqual({
        reason: 'bandwidth-rejected',
        detail: expect.stringContaining('1032') as string,
      });
    }
    expect(gate.check(bandcheck, 'rtmp://h/app?vhost=v&key=K%20y', 0)).toBeUndefined();
    expect(new BandwidthGate().check({ ...bandcheck, key: '' }, 'rtmp://h/app', 0)).toBeUndefined();
  });

  it('B001 lets one test go on in each interval; a refusal does not begin one', () => {
    const gate = new BandwidthGate();
    const url = 'rtmp://h/app?key=K%20y';
    expect(gate.check(bandcheck, 'rtmp://h/app', 0)?.detail).toContain('1032');
    expect(gate.check(bandcheck, url, 5_000)).toBeUndefined();
    expect(gate.check(bandcheck, url, 34_999)).toEqual({
      reason: 'bandwidth-rejected',
      detail: 'the next bandwidth test may come in 1 s (1033)',
    });
    expect(gate.check(bandcheck, url, 35_000)).toBeUndefined();
  });

  it('B001 tells the client in the words of the protocol', () => {
    expect(bandwidthRejection().toRecord()).toEqual({
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
      description: 'bandcheck rejected',
    });
  });
});
