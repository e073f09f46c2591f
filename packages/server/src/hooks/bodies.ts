import { isAbsolute, relative } from 'node:path';

import { DEFAULT_VHOST, type VhostConfig } from '../config/index.ts';
import type { ClientAction, ClientRequest } from '../security/index.ts';
import type { DvrEvent, HlsEvent, HookEvent } from './events.ts';
import type { PublisherFacts } from './publishers.ts';

/** Who calls, and how it names streams. */
export interface HookIdentity {
  /** The `server` of the API's answers. */
  readonly serverId: string;
  /** Another one after each start. */
  readonly serviceId: string;
  /** The API's id of a stream. */
  readonly streamId: (vhost: string, app: string, stream: string) => string;
}

/** The fields of one JSON object; one that is undefined is left out. */
export type HookBody = Readonly<Record<string, string | number | undefined>>;

/**
 * What is posted when a client asks (spec 5.3): the fields of SRS 2.0.166, of 2.0release and of SRS 4 to 7, so that
 * a callback server written for any of them finds its own.
 */
export function gateBody(action: ClientAction, client: ClientRequest, identity: HookIdentity): HookBody {
  // Written out: thousands of clients may be asked for in a second.
  const { id, ip, app, stream, tcUrl, pageUrl, param } = client;
  const vhost = client.vhost.name;
  const { serverId: server_id, serviceId: service_id } = identity;
  if (action === 'connect') {
    return {
      server_id,
      service_id,
      action: 'on_connect',
      client_id: id,
      ip,
      vhost,
      app,
      stream,
      param,
      tcUrl,
      pageUrl,
    };
  }
  const stream_url = streamUrl(vhost, app, stream);
  const stream_id = identity.streamId(vhost, app, stream);
  const [name, page] = action === 'play' ? ['on_play', pageUrl] : ['on_publish', undefined];
  return {
    server_id,
    service_id,
    action: name,
    client_id: id,
    ip,
    vhost,
    app,
    stream,
    stream_url,
    stream_id,
    tcUrl,
    pageUrl: page,
    param,
  };
}

function streamUrl(vhost: string, app: string, stream: string): string {
  return `${vhost === DEFAULT_VHOST ? '' : vhost}/${app}/${stream}`;
}

/** What is posted after the fact. `publisher` is the one of the stream that a file is of. */
export function eventBody(
  event: HookEvent,
  publisher: PublisherFacts | undefined,
  identity: HookIdentity,
): HookBody {
  switch (event.action) {
    case 'on_close': {
      const { client, reason, sentBytes, receivedBytes } = event;
      return {
        ...headOf(event.action, client, identity),
        send_bytes: sentBytes,
        recv_bytes: receivedBytes,
        app: client.app,
        stream: client.stream,
        param: client.param,
        tcUrl: client.tcUrl,
        reason,
      };
    }
    case 'on_unpublish':
    case 'on_stop': {
      const { client, reason } = event;
      return {
        ...headOf(event.action, client, identity),
        ...streamFields(client, identity),
        tcUrl: client.tcUrl,
        param: client.param,
        reason,
      };
    }
    case 'on_dvr':
      return { ...fileHead(event, publisher, identity), ...dvrFields(event) };
    case 'on_hls':
      return { ...fileHead(event, publisher, identity), ...hlsFields(event) };
  }
}

function headOf(
  action: string,
  client: { readonly id: string; readonly ip: string; readonly vhost: VhostConfig },
  identity: HookIdentity,
): HookBody {
  return {
    server_id: identity.serverId,
    service_id: identity.serviceId,
    action,
    client_id: client.id,
    ip: client.ip,
    vhost: client.vhost.name,
  };
}

function streamFields(
  names: { readonly vhost: VhostConfig; readonly app: string; readonly stream: string },
  identity: HookIdentity,
): HookBody {
  const { app, stream } = names;
  const vhost = names.vhost.name;
  return {
    app,
    stream,
    stream_url: streamUrl(vhost, app, stream),
    stream_id: identity.streamId(vhost, app, stream),
  };
}

function fileHead(
  event: DvrEvent | HlsEvent,
  publisher: PublisherFacts | undefined,
  identity: HookIdentity,
): HookBody {
  const { id = '', ip = '', tcUrl = '', param = '' } = publisher ?? {};
  return {
    ...headOf(event.action, { id, ip, vhost: event.vhost }, identity),
    ...streamFields(event, identity),
    tcUrl,
    param,
  };
}

function dvrFields({ recording }: DvrEvent): HookBody {
  const { cwd, file, durationMs, bytes } = recording;
  return { cwd, file, duration: durationMs / 1000, filesize: bytes };
}

function hlsFields({ segment, vhost }: HlsEvent): HookBody {
  const cwd = process.cwd();
  return {
    duration: segment.durationMs / 1000,
    cwd,
    file: asConfigured(segment.file, vhost.hls.path, cwd),
    url: segment.url,
    m3u8: asConfigured(segment.playlist, vhost.hls.path, cwd),
    m3u8_url: segment.playlistUrl,
    seq_no: segment.sequence,
  };
}

/** SRS tells paths as the configuration has them: from the working directory on, unless they are absolute. */
function asConfigured(file: string, configured: string, cwd: string): string {
  if (isAbsolute(configured)) return file;
  const path = relative(cwd, file);
  return path.startsWith('..') ? path : `./${path}`;
}
