import fastify, { type FastifyInstance } from 'fastify';
import { type ConfigEditView, resolveConfig } from '../config/index.ts';
import type { HttpApiConfig } from '../config/types.ts';
import type { DvrControl } from './dvrs.ts';
import type { ApiDenial } from './guard.ts';
import { apiRoutes } from './routes.ts';
import type {
  ApiControl,
  ApiSource,
  ClientView,
  ConfigAnswer,
  EndedView,
  ReloadResult,
  StreamView,
  VhostView,
} from './source.ts';
import type { SystemView } from './system-view.ts';
import type { TrafficView } from './traffic-views.ts';
import type { TurnBudget } from './turn-budget.ts';

export const STREAM: StreamView = {
  id: 'vid-stream',
  name: 'livestream',
  app: 'live',
  vhostId: 'vid-vhost',
  tcUrl: 'rtmp://localhost/live',
  url: '/live/livestream',
  publisherId: 'c1',
  liveMs: 60_000,
  clients: 2,
  players: 1,
  frames: 50,
  audioFrames: 80,
  fps: 29.970_03,
  droppedFrames: 4,
  bytesSent: 20,
  bytesReceived: 10,
  kbps: { received30s: 250.4, sent30s: 500.6, received5m: 240, sent5m: 480 },
  gop: { frames: 25, ms: 1000.4 },
  jitter: { corrections: 2, correctedMs: 5000 },
  heldBytes: 9000,
  flushes: { count: 30, p50Ms: 0.123_456, p99Ms: 2.5 },
  video: { codec: 'H264', profile: 'High', level: '3.1', width: 1280, height: 720 },
  audio: { codec: 'AAC', sampleRate: 44_100, channels: 2, profile: 'LC' },
  hlsReady: true,
  faults: [
    { sink: 'hls', code: 'full', message: '/a: the disk is full', sinceMs: 5, count: 2, isPublic: false },
  ],
};

export const IDLE: StreamView = {
  ...STREAM,
  id: 'vid-idle',
  publisherId: undefined,
  gop: undefined,
  flushes: undefined,
  video: undefined,
  audio: undefined,
};

export const VHOST: VhostView = {
  id: 'vid-vhost',
  name: '__defaultVhost__',
  enabled: true,
  clients: 3,
  streams: 1,
  players: 2,
  bytesSent: 20,
  bytesReceived: 10,
  kbps: { received30s: 1.4, sent30s: 2.6, received5m: 0, sent5m: 1 },
  fps: 25,
  droppedFrames: 4,
  jitter: { corrections: 2, correctedMs: 5000 },
  hls: { enabled: true, fragmentMs: 10_000 },
};

export const OFF_VHOST: VhostView = {
  ...VHOST,
  id: 'vid-off',
  name: 'off.example.com',
  enabled: false,
  hls: { enabled: false, fragmentMs: 10_000 },
};

export const ENDED: EndedView = {
  id: 'e1',
  ip: '192.0.2.1',
  type: 'rtmp-play',
  publish: false,
  vhost: '__defaultVhost__',
  app: 'live',
  stream: 'livestream',
  startedAt: 1_000,
  endedAt: 2_000.5,
  reason: 'kicked',
  detail: 'by the API',
  bytesIn: 1,
  bytesOut: 2,
  droppedFrames: 3,
};

/** What a server moves. */
export const TRAFFIC: TrafficView = {
  publishers: 1,
  players: 2,
  streams: 1,
  kbps: STREAM.kbps,
  fps: 25,
  videoFrames: 50,
  audioFrames: 80,
  droppedFrames: 4,
  jitter: STREAM.jitter,
  flushes: { count: 0, p50Ms: undefined, p99Ms: undefined },
};

/** A system that tells nothing of itself. */
export const UNKNOWN_SYSTEM: SystemView = {
  sampledAtMs: 61_000,
  process: { cpuShare: 0.123_456, rssKbytes: 1_000, memoryShare: undefined, uptimeSeconds: 60 },
  processStat: undefined,
  cpu: undefined,
  memory: undefined,
  disk: undefined,
  network: undefined,
  sockets: undefined,
  load: undefined,
  uptime: undefined,
  cpus: undefined,
};

export function clientView(index: number): ClientView {
  return {
    id: `c${index}`,
    vhostId: 'vid-vhost',
    streamId: 'vid-stream',
    ip: '192.0.2.1',
    pageUrl: '',
    swfUrl: '',
    tcUrl: 'rtmp://localhost/live',
    url: '/live/livestream',
    name: 'livestream',
    type: index === 0 ? 'fmle-publish' : 'rtmp-play',
    publish: index === 0,
    aliveSeconds: 1.23456,
    bytesSent: 1,
    bytesReceived: 2,
    kbps: { received30s: 0, sent30s: 0, received5m: 0, sent5m: 0 },
    videoFrames: 75,
    fps: 25,
    droppedFrames: 1,
  };
}

/** What a test may have otherwise. */
export interface ApiKit {
  readonly scope?: 'all' | 'public';
  readonly httpApi?: {
    readonly rawApi?: Partial<HttpApiConfig['rawApi']>;
    readonly auth?: Partial<HttpApiConfig['auth']>;
    readonly crossdomain?: boolean | undefined;
    readonly allowedHosts?: readonly string[];
    readonly allowedOrigins?: readonly string[];
  };
  /** Names of the machine and of vhosts. */
  readonly ownNames?: readonly string[];
  readonly listStreams?: boolean;
  /** Default: two. */
  readonly streams?: readonly StreamView[];
  readonly budget?: TurnBudget;
  readonly reload?: () => Promise<ReloadResult>;
  readonly system?: SystemView;
  readonly control?: false;
  readonly atRoot?: boolean;
  readonly dvrs?: DvrControl;
  /** What changes and rollbacks come to; `false`: the server takes none. Default: they are made. */
  readonly changes?: ConfigAnswer | false;
}

/** A change that has been made. */
export const CHANGE: ConfigEditView = {
  id: '7',
  at: '2026-11-21T05:00:00.000Z',
  by: { user: 'admin', address: '192.0.2.1' },
  vhost: 'off.example.com',
  settings: [
    { directive: 'hls.hls_fragment', value: '5', before: '10', overriddenBy: undefined },
    { directive: 'http_hooks.on_play', value: ['http://a/', 'http://b/'], before: null, overriddenBy: '8' },
  ],
  problem: undefined,
};

/** An API over a server that isn't there, and what it did. */
export function apiKit(kit: ApiKit = {}): {
  readonly app: FastifyInstance;
  readonly built: { clients: number };
  readonly kicked: string[];
  readonly denials: ApiDenial[];
  /** What was asked of the configuration. */
  readonly asked: unknown[];
} {
  const asked: unknown[] = [];
  const changed = (request: object, dryRun: boolean): Promise<ConfigAnswer> => {
    asked.push({ ...request, dryRun });
    const difference = {
      directive: 'hls.hls_fragment',
      before: '10000 ms',
      after: '5000 ms',
      effect: 'live',
    } as const;
    const line = {
      kind: 'vhost-changed',
      vhost: 'off.example.com',
      difference,
      text: 'vhost off.example.com: …',
    } as const;
    const made = dryRun ? undefined : CHANGE;
    const { changes = false } = kit;
    return Promise.resolve(
      changes === false ? { ok: true, made, removed: [], lines: [line], notes: ['a note'] } : changes,
    );
  };
  const built = { clients: 0 };
  const kicked: string[] = [];
  const denials: ApiDenial[] = [];
  const source: ApiSource = {
    version: '1.2.3-rc.1',
    serverId: 'vid-server',
    serviceId: 'service',
    pid: 42,
    streams: () => kit.streams ?? [STREAM, IDLE],
    stream: (id) => [STREAM, IDLE].find((view) => view.id === id),
    *clients() {
      for (let index = 0; index < 4_000; index += 1) {
        built.clients += 1;
        yield clientView(index);
      }
    },
    client: (id) => (id === 'c0' ? clientView(0) : undefined),
    vhosts: () => [VHOST, OFF_VHOST],
    vhost: (id) => [VHOST, OFF_VHOST].find((view) => view.id === id),
    ended: () => [ENDED, { ...ENDED, id: 'e2', detail: undefined }],
    totals: () => ({
      ...{ bytesReceived: 100, bytesSent: 200, connections: 7, internalFaults: 0, descriptorRefusals: 0 },
      traffic: TRAFFIC,
    }),
    system: () => kit.system ?? UNKNOWN_SYSTEM,
  };
  const control: ApiControl = {
    kick: (id) => {
      kicked.push(id);
      return id === 'c0';
    },
    reload: kit.reload ?? (() => Promise.resolve({ ok: true })),
    changes:
      kit.changes === false
        ? undefined
        : {
            list: () => [
              CHANGE,
              { ...CHANGE, id: '6', vhost: undefined, by: { address: '::1' }, problem: 'gone' },
            ],
            change: changed,
            rollback: (which, by, dryRun) => changed({ which, by }, dryRun),
          },
  };
  const { httpApi } = resolveConfig({ httpApi: { listen: [1985, '[::1]:1985'], ...kit.httpApi } });
  const app = fastify();
  // As the HTTP server does: bodies come as bytes, whatever they say they are.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.register(
    apiRoutes({
      source,
      scope: kit.scope ?? 'all',
      atRoot: kit.atRoot ?? false,
      dvrs: kit.dvrs,
      control: kit.control === false ? undefined : control,
      settings: () => httpApi,
      listStreams: kit.listStreams,
      budget: kit.budget,
      isOwnName: (name) => kit.ownNames?.includes(name) === true,
      onDenied: (denial) => denials.push(denial),
      now: () => 61_000,
    }),
  );
  return { app, built, kicked, denials, asked };
}
