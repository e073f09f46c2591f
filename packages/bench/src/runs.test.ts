import type { FlvTag } from '@sluice/media/flv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from 'sluice';
import type { LoadRun } from './load-run.ts';
import { LatencyRun } from './latency-run.ts';
import { PlayRun, type PlayRunOptions } from './play-run.ts';
import { PublishRun, type PublishRunOptions } from './publish-run.ts';
import { buildPublishScript } from './publish-script.ts';
import { sumOfCounts } from './tally.ts';
import { parseTarget } from './target.ts';

const server = createServer({
  listen: [{ host: '127.0.0.1', port: 0 }],
  httpServer: { enabled: true, listen: [{ host: '127.0.0.1', port: 0 }] },
  vhosts: { __defaultVhost__: { minLatency: true, httpRemux: { enabled: true, hstrs: false } } },
});
const running = new Set<LoadRun>();

/** A second of video: a keyframe every 100 ms, so that nobody waits long. */
const tags: readonly FlvTag[] = [
  { type: 9, timestamp: 0, body: Uint8Array.of(0x17, 0, 0, 0, 0, 1, 0x42, 0, 30, 0xff, 0xe0, 0) },
  ...Array.from({ length: 50 }, (_, index): FlvTag => {
    const head = [index % 5 === 0 ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 4, 0x65, 1, 2, 3];
    return { type: 9, timestamp: index * 20, body: Uint8Array.from(head) };
  }),
];

beforeAll(async () => {
  await server.start();
});

afterAll(async () => {
  await Promise.all([...running].map((run) => run.stop()));
  await server.close();
});

function url(stream: string, scheme: 'rtmp' | 'http' | 'ws' = 'rtmp'): string {
  const { rtmp, http } = server.addresses;
  const port = (scheme === 'rtmp' ? rtmp : http)[0]?.port ?? 0;
  return `${scheme}://127.0.0.1:${port}/live/${stream}${scheme === 'rtmp' ? '' : '.flv'}`;
}

const common = { address: '127.0.0.1', rounds: 0, ratePerSecond: 1000, joinTimeoutMs: 10_000 };

function publishOptions(stream: string, options: Partial<PublishRunOptions> = {}): PublishRunOptions {
  const script = buildPublishScript(tags);
  return { ...common, target: parseTarget(url(stream)), script, clients: 1, firstNumber: 0, ...options };
}

function playOptions(target: string, options: Partial<PlayRunOptions> = {}): PlayRunOptions {
  return { ...common, target: parseTarget(target), clients: 3, stall: 0, keepParsing: false, ...options };
}

async function start<Run extends LoadRun>(run: Run): Promise<Run> {
  running.add(run);
  await run.start();
  return run;
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 10 }).toBe(true);
}

describe('PublishRun and PlayRun', { timeout: 30_000 }, () => {
  it.each(['rtmp', 'http', 'ws'] as const)('publish, and play over %s', async (scheme) => {
    const publish = await start(new PublishRun(publishOptions(scheme)));
    const play = await start(new PlayRun(playOptions(url(scheme, scheme))));
    await play.tally();
    const before = play.progress().bytes;
    await until(() => play.progress().bytes > before + 1000);
    const tally = await play.tally();
    expect(tally).toMatchObject({ clients: 3, joined: 3, active: 3, failed: {}, lost: {} });
    expect(tally.perClientBytes).toMatchObject({ count: 3 });
    expect(tally.perClientBytes.min).toBeGreaterThan(0);
    await publish.stop();
    await play.stop();
  });

  it('publish many streams, each under its number', async () => {
    const publish = await start(new PublishRun(publishOptions('many{n}', { clients: 5, firstNumber: 7 })));
    await until(() => publish.progress().bytes > 2000);
    const play = await start(new PlayRun(playOptions(url('many11'), { clients: 1 })));
    expect(play.progress()).toMatchObject({ joined: 1, failed: 0 });
    await play.stop();
    await publish.stop();
  });

  it('join and leave in rounds', async () => {
    const publish = await start(new PublishRun(publishOptions('rounds')));
    const play = await start(new PlayRun(playOptions(url('rounds'), { rounds: 20 })));
    await play.finished;
    const tally = await play.tally();
    expect(tally).toMatchObject({ joined: 20, active: 0, failed: {}, lost: {} });
    expect(tally.firstKeyframeMs.count).toBe(20);
    await publish.stop();
    const again = await start(new PublishRun(publishOptions('again{n}', { rounds: 20, clients: 4 })));
    await again.finished;
    expect(await again.tally()).toMatchObject({ joined: 20, failed: {}, lost: {} });
  });

  it('count refusals and connections that the server ends', async () => {
    const first = await start(new PublishRun(publishOptions('busy')));
    const second = await start(new PublishRun(publishOptions('busy')));
    const tally = await second.tally();
    expect(tally.joined).toBe(0);
    expect(sumOfCounts(new Map(Object.entries(tally.failed)))).toBe(1);
    const play = await start(new PlayRun(playOptions(url('busy', 'http'))));
    await first.stop();
    await play.finished;
    expect(play.progress()).toMatchObject({ joined: 3, active: 0, lost: 3 });
  });

  it('give up on what never sends media, and on ports where nobody listens', async () => {
    const silent = await start(new PlayRun(playOptions(url('nobody'), { clients: 2, joinTimeoutMs: 50 })));
    expect((await silent.tally()).failed).toEqual({ 'no media within 0.05 s': 2 });
    const closed = await start(new PlayRun(playOptions('rtmp://127.0.0.1:1/live/x', { clients: 2 })));
    expect((await closed.tally()).failed).toEqual({ ECONNREFUSED: 2 });
  });

  it('stall players on request', async () => {
    const publish = await start(new PublishRun(publishOptions('stall')));
    const play = await start(new PlayRun(playOptions(url('stall'), { clients: 3, stall: 1 })));
    await play.tally();
    const before = play.progress().bytes;
    await until(() => play.progress().bytes > before + 1000);
    const tally = await play.tally();
    expect(tally.stalled).toBe(1);
    expect(tally.perClientBytes.count).toBe(2);
    await play.stop();
    await publish.stop();
  });
});

describe('LatencyRun', { timeout: 30_000 }, () => {
  it('measures each frame at each player', async () => {
    const script = buildPublishScript(tags, { stamped: true });
    const run = await start(
      new LatencyRun(publishOptions('latency', { script }), playOptions(url('latency'))),
    );
    await run.tally();
    const before = run.progress().bytes;
    await until(() => run.progress().bytes > before + 3000);
    const { latencyMs, framesLost } = await run.tally();
    expect(framesLost).toBe(0);
    expect(latencyMs.count).toBeGreaterThan(10);
    expect(latencyMs.min).toBeGreaterThan(0);
    await run.stop();
  });
});
