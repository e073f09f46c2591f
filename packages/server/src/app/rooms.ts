import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

import { type ApiControl, summariesShape, TurnBudget } from '../api/index.ts';
import { BandwidthGate } from '../bandwidth/index.ts';
import { ClientRegistry } from '../clients/index.ts';
import {
  type Config,
  findVhost,
  formatListenAddress,
  type ListenAddress,
  type VhostConfig,
} from '../config/index.ts';
import { Heartbeat, HttpCallbacks } from '../hooks/index.ts';
import { LiveHub, type LiveSettings, streamKey } from '../live/index.ts';
import type { Log } from '../log/index.ts';
import { ServerMetrics } from '../metrics/index.ts';
import { IngestLoops } from '../relay/ingest/index.ts';
import { AccessControl, OutboundRule } from '../security/index.ts';
import { GuardedFiles } from '../servers/guarded-files/index.ts';
import { HlsHandler } from '../servers/hls/index.ts';
import { HttpLiveHandler } from '../servers/http-live/index.ts';
import { RtmpServer } from '../servers/rtmp/index.ts';
import { namesProblem } from '../sinks/disk/index.ts';
import { Admission, type Descriptors, Sessions, SystemStats } from '../stats/index.ts';
import { createApiSource } from './api-source.ts';
import { createDescriptors, effectiveConnections } from './descriptors.ts';
import { Doors } from './doors.ts';
import { FileReports } from './file-events.ts';
import { TemplateOwners } from './file-owners.ts';
import { ServerAuthorizer } from './authorizer.ts';
import { HttpDoors } from './http-doors.ts';
import { idOf } from './ids.ts';
import { InternalFaults } from './internal-faults.ts';
import { LiveSettingsByVhost } from './settings-by-vhost.ts';
import { localAddresses } from './local-addresses.ts';
import { Observation } from './observation.ts';
import { PathIdentities } from './path-identities.ts';
import { PrivateFiles, privateFiles } from './private-files.ts';
import { Sinks } from './sinks.ts';

/** What the rooms ask of the server that they are in. */
export interface RoomsHost {
  readonly version: string;
  readonly log: Log;
  /** What the API may do to the server. */
  readonly control: ApiControl;
  /** The configuration as it is now. */
  readonly config: () => Config;
  /** Files that the configuration was read from. */
  readonly configFiles: () => readonly string[];
}

/** All rooms of a server, each knowing of the others what it needs. None listens or runs yet. */
export interface Rooms {
  readonly hub: LiveHub;
  readonly clients: ClientRegistry;
  readonly admission: Admission;
  readonly callbacks: HttpCallbacks;
  readonly authorizer: ServerAuthorizer;
  readonly heartbeat: Heartbeat;
  readonly observation: Observation;
  readonly descriptors: Descriptors;
  readonly internalFaults: InternalFaults;
  readonly sinks: Sinks;
  readonly ingests: IngestLoops;
  readonly rtmp: RtmpServer;
  readonly guardedFiles: GuardedFiles;
  readonly fileOwners: TemplateOwners;
  readonly http: HttpDoors;
  readonly doors: Doors;
  readonly liveSettings: (vhost: VhostConfig) => LiveSettings;
}

/** Where callbacks go that could not be delivered. */
const DEAD_LETTER_FILE = './objs/sluice-callbacks.dead';

/** Makes the rooms and joins them. */
export function createRooms({ version, log, control, config, configFiles }: RoomsHost): Rooms {
  const settings = new LiveSettingsByVhost(version);
  const identity = {
    version,
    serverId: serverId(config().listen),
    serviceId: randomBytes(4).toString('hex'),
  };
  const hub = new LiveHub({
    onPublish: (stream) => {
      sinks.published(stream);
    },
  });
  const sinks = new Sinks({
    log,
    hub,
    signature: `Sluice/${version}`,
    utc: () => config().log.utc,
    vhosts: () => [...config().vhosts.values()].filter(({ enabled }) => enabled),
    findVhost: (name) => findVhost(config(), name),
  });
  const sessions = new Sessions();
  const outbound = {
    rule: new OutboundRule(() => config().outbound.private),
    isLimited: (url: string) => config().urlsByApi.includes(url),
  };
  const access = new AccessControl({ log, limits: () => config().limits, outbound });
  const descriptors = createDescriptors(log);
  const connectionLimit = (): number => effectiveConnections(config().maxConnections, descriptors.limit);
  const admission = new Admission(connectionLimit, access, descriptors);
  const callbacks = new HttpCallbacks({
    log,
    ...identity,
    streamId: (vhost, app, stream) => idOf(streamKey({ vhost, app, stream })),
    deadLetterFile: DEAD_LETTER_FILE,
    outbound,
  });
  const system = new SystemStats({ disks: () => config().stats.disks });

  /** Who was asked about a client may have been slower than a reload. */
  function current(vhost: VhostConfig): VhostConfig {
    return config().vhosts.get(vhost.name) ?? vhost;
  }
  const files = new FileReports(sinks, callbacks, (name) => findVhost(config(), name));
  const authorizer = new ServerAuthorizer(access, callbacks, files, current);
  const context = {
    version,
    log,
    hub,
    admission,
    sessions,
    config,
    maxConnections: () => config().maxConnections,
    authorizer,
    findVhost: (host: string) => findVhost(config(), host),
    settings: (vhost: VhostConfig) => settings.of(current(vhost)),
    nameProblem: (vhost: VhostConfig, app: string, stream: string) =>
      vhost.hls.enabled || vhost.hds.enabled || vhost.dvr.enabled ? namesProblem(app, stream) : undefined,
  };
  const clients = new ClientRegistry(context);
  const rtmp = new RtmpServer({ version, log, config, clients, bandwidth: new BandwidthGate() });
  const httpLive = new HttpLiveHandler({ ...context, clients });
  const hls = new HlsHandler({ ...context, clients, source: sinks.hls });

  const identities = new PathIdentities();
  const ownFiles = new PrivateFiles(identities, () => [
    ...configFiles(),
    ...privateFiles(config()),
    DEAD_LETTER_FILE,
  ]);
  const fileOwners = new TemplateOwners(identities, ownFiles, config);
  const guardedFiles = new GuardedFiles({ log, clients, owners: fileOwners, hls });

  const internalFaults = new InternalFaults({ log });
  const observed = {
    ...identity,
    internalFaults: () => internalFaults.count,
    descriptorRefusals: () => descriptors.refused,
    hub,
    sessions,
    system,
    connections: () => admission.open,
    faults: (key: string) => sinks.faults(key),
    hlsReady: (key: string) => sinks.hls.isReady(key),
  };
  const source = createApiSource({ ...observed, config });
  const metrics = new ServerMetrics({
    ...observed,
    maxConnections: connectionLimit,
    exporter: () => config().exporter,
  });
  sinks.hls.onSegment(({ readyMs }) => {
    metrics.segmentReady(readyMs);
  });

  const http = new HttpDoors({
    ...context,
    clients,
    source,
    metrics,
    control,
    budget: new TurnBudget(),
    rtmpPort: (): number => doors.rtmpPort,
    rtmpsPort: (): number | undefined => doors.rtmpsPort,
    dvrs: sinks.dvr,
    virtualFiles: hls,
    fileGuard: guardedFiles,
    live: httpLive,
  });
  const doors = new Doors({ log, rtmp, http });
  const heartbeat = new Heartbeat({
    log,
    outbound,
    source: {
      ...identity,
      ip: () => localAddresses()[Number(config().stats.network) || 0] ?? '127.0.0.1',
      summaries: () => ({ code: 0, data: summariesShape(version, source.system(), source.totals()) }),
      ports: () => {
        const bound = doors.addresses(config());
        return {
          rtmp: bound.rtmp.map(formatListenAddress),
          http: bound.http.map(formatListenAddress),
          api: bound.api.map(formatListenAddress),
        };
      },
    },
  });
  return {
    hub,
    descriptors,
    clients,
    internalFaults,
    admission,
    callbacks,
    authorizer,
    heartbeat,
    observation: new Observation({ log, hub, sessions, system, metrics, heartbeat }),
    sinks,
    ingests: new IngestLoops({ log, outbound }),
    rtmp,
    guardedFiles,
    fileOwners,
    http,
    doors,
    liveSettings: (vhost) => settings.of(vhost),
  };
}

/** The same machine and ports give the same id. */
function serverId(rtmp: readonly ListenAddress[]): string {
  return idOf([hostname(), ...rtmp.map(formatListenAddress)].join(' '));
}
