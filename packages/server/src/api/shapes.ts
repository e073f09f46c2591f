import type { ApiClient, ApiEnded, ApiStream, ApiVersions, ApiVhost } from './schemas.ts';
import type { ClientView, EndedView, FaultView, StreamView, VhostView } from './source.ts';
import { flushShape, fpsShape, gopShape, jitterShape, kbpsShape } from './traffic-shapes.ts';

/** `0.1.0-rc.1` → its three numbers and the whole. */
export function versionShape(version: string): ApiVersions {
  const [major = 0, minor = 0, revision = 0] = version.split(/[.+-]/, 3).map((part) => Number(part) || 0);
  return { major, minor, revision, version };
}

/** A stream as the API shows it. */
export function streamShape(view: StreamView): ApiStream {
  const { video, audio, publisherId } = view;
  return {
    id: view.id,
    name: view.name,
    vhost: view.vhostId,
    app: view.app,
    tcUrl: view.tcUrl,
    url: view.url,
    live_ms: Math.round(view.liveMs),
    clients: view.clients,
    frames: view.frames,
    send_bytes: view.bytesSent,
    recv_bytes: view.bytesReceived,
    kbps: kbpsShape(view.kbps),
    players: view.players,
    fps: fpsShape(view.fps),
    audio_frames: view.audioFrames,
    dropped_frames: view.droppedFrames,
    gop: gopShape(view.gop),
    jitter: jitterShape(view.jitter),
    held_bytes: view.heldBytes,
    flush: view.flushes === undefined ? null : flushShape(view.flushes),
    publish: publisherId === undefined ? { active: false } : { active: true, cid: publisherId },
    video:
      video === undefined
        ? null
        : {
            codec: video.codec,
            profile: video.profile ?? '',
            level: video.level ?? '',
            width: video.width ?? null,
            height: video.height ?? null,
          },
    audio:
      audio === undefined
        ? null
        : {
            codec: audio.codec,
            sample_rate: audio.sampleRate ?? 0,
            channel: audio.channels ?? 0,
            profile: audio.profile ?? '',
          },
    hls_ready: view.hlsReady,
    faults: view.faults.filter(({ isPublic }) => isPublic).map(faultShape),
  };
}

/** A stream as everybody may see it: its `tcUrl` may name a host of the inside. */
export function publicStreamShape(view: StreamView): Omit<ApiStream, 'tcUrl'> {
  const { tcUrl: _, ...shape } = streamShape(view);
  return shape;
}

/** A stream as its operator sees it: with what lasts of faults. */
export function ownStreamShape(view: StreamView): ApiStream {
  return { ...streamShape(view), faults: view.faults.map(faultShape) };
}

function faultShape({
  sink,
  code,
  message,
  sinceMs,
  count,
}: FaultView): NonNullable<ApiStream['faults']>[number] {
  return { sink, code, message, since_ms: sinceMs, count };
}

/** A client as the API shows it. */
export function clientShape(view: ClientView): ApiClient {
  return {
    id: view.id,
    vhost: view.vhostId,
    stream: view.streamId,
    ip: view.ip,
    pageUrl: view.pageUrl,
    swfUrl: view.swfUrl,
    tcUrl: view.tcUrl,
    url: view.url,
    name: view.name,
    type: view.type,
    publish: view.publish,
    alive: Math.round(view.aliveSeconds * 1_000) / 1_000,
    send_bytes: view.bytesSent,
    recv_bytes: view.bytesReceived,
    kbps: kbpsShape(view.kbps),
    frames: view.videoFrames,
    fps: fpsShape(view.fps),
    dropped_frames: view.droppedFrames,
  };
}

/** A vhost as the API shows it. */
export function vhostShape(view: VhostView): ApiVhost {
  const { enabled, fragmentMs } = view.hls;
  return {
    id: view.id,
    name: view.name,
    enabled: view.enabled,
    clients: view.clients,
    streams: view.streams,
    send_bytes: view.bytesSent,
    recv_bytes: view.bytesReceived,
    kbps: kbpsShape(view.kbps),
    players: view.players,
    fps: fpsShape(view.fps),
    dropped_frames: view.droppedFrames,
    jitter: jitterShape(view.jitter),
    hls: enabled ? { enabled, fragment: fragmentMs / 1000 } : { enabled },
  };
}

/** A connection that has ended, as the API shows it. */
export function endedShape(view: EndedView): ApiEnded {
  const { id, ip, type, publish, vhost, app, stream, reason } = view;
  return {
    id,
    ip,
    type,
    publish,
    vhost,
    app,
    stream,
    start_ms: Math.round(view.startedAt),
    end_ms: Math.round(view.endedAt),
    reason,
    detail: view.detail ?? '',
    send_bytes: view.bytesOut,
    recv_bytes: view.bytesIn,
    dropped_frames: view.droppedFrames,
  };
}
