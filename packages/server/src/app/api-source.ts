import { createHash } from 'node:crypto';

import type { ApiSource, ClientView, FaultView, StreamView } from '../api/index.ts';
import type { LiveHub, LiveStream } from '../live/index.ts';
import type { Session, SessionEntry, Sessions } from '../stats/index.ts';
import { audioView, videoView } from './codec-names.ts';

/** The parts of the server that the API looks at. */
export interface ApiParts {
  readonly version: string;
  readonly serverId: string;
  readonly serviceId: string;
  readonly hub: LiveHub;
  readonly sessions: Sessions;
  /** What the sinks of a stream suffer from. */
  faults(streamKey: string): readonly FaultView[];
}

/** The server as the API sees it. Views are made one by one, as the API asks for them. */
export function createApiSource(parts: ApiParts): ApiSource {
  const { version, serverId, serviceId, hub, sessions } = parts;
  function* streams(): Generator<StreamView> {
    for (const stream of hub.streams()) yield streamView(stream, parts);
  }
  function* clients(): Generator<ClientView> {
    for (const entry of sessions.all()) yield clientView(entry);
  }
  return {
    version,
    serverId,
    serviceId,
    pid: process.pid,
    streams,
    stream: (id) => {
      for (const stream of hub.streams()) if (idOf(stream.key) === id) return streamView(stream, parts);
      return undefined;
    },
    clients,
    client: (id) => {
      const entry = sessions.get(id);
      return entry === undefined ? undefined : clientView(entry);
    },
  };
}

function streamView(stream: LiveStream, parts: ApiParts): StreamView {
  const { sessions } = parts;
  const { vhost, app, stream: name } = stream.id;
  const traffic = sessions.traffic(stream.key);
  const publisher = stream.publisherId === undefined ? undefined : sessions.get(stream.publisherId);
  const bytesReceived = traffic?.bytesIn ?? 0;
  const bytesSent = traffic?.bytesOut ?? 0;
  const startedAtMs = traffic?.startedAt ?? Date.now();
  return {
    id: idOf(stream.key),
    name,
    app,
    vhostId: idOf(vhost),
    tcUrl: publisher?.session.tcUrl ?? `rtmp://${vhost}/${app}`,
    url: urlOf(vhost, app, name),
    publisherId: stream.publisherId,
    startedAtMs,
    clients: traffic?.sessions.size ?? 0,
    frames: stream.videoFrames,
    bytesReceived,
    bytesSent,
    kbps: traffic?.rate.kbps(startedAtMs, bytesReceived, bytesSent) ?? { received30s: 0, sent30s: 0 },
    video: stream.video === undefined ? undefined : videoView(stream.video),
    audio: stream.audio === undefined ? undefined : audioView(stream.audio),
    faults: parts.faults(stream.key),
  };
}

function clientView({ session, rate }: SessionEntry): ClientView {
  const { vhost, app, stream, startedAt, bytesIn, bytesOut } = session;
  return {
    id: session.id,
    vhostId: idOf(vhost),
    streamId: idOf(streamKeyOf(session)),
    ip: session.ip,
    pageUrl: session.pageUrl,
    swfUrl: session.swfUrl,
    tcUrl: session.tcUrl,
    url: urlOf(vhost, app, stream),
    name: stream,
    type: session.type,
    publish: session.publish,
    aliveSeconds: (Date.now() - startedAt) / 1000,
    bytesSent: bytesOut,
    bytesReceived: bytesIn,
    kbps: rate.kbps(startedAt, bytesIn, bytesOut),
  };
}

function streamKeyOf({ vhost, app, stream }: Session): string {
  return `${vhost}/${app}/${stream}`;
}

function urlOf(vhost: string, app: string, stream: string): string {
  return vhost === '__defaultVhost__' ? `/${app}/${stream}` : `${vhost}/${app}/${stream}`;
}

/** The same name gives the same id, on every start. */
function idOf(name: string): string {
  return `vid-${createHash('sha1').update(name).digest('hex').slice(0, 7)}`;
}
