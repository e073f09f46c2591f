import type { ApiFlush, ApiGop, ApiJitter, ApiKbps, ApiTraffic } from './traffic-schemas.ts';
import type { FlushView, GopView, JitterView, KbpsView, TrafficView } from './traffic-views.ts';

/** Bit rates as the API shows them. */
export function kbpsShape(view: KbpsView): ApiKbps {
  return {
    recv_30s: Math.round(view.received30s),
    send_30s: Math.round(view.sent30s),
    recv_5m: Math.round(view.received5m),
    send_5m: Math.round(view.sent5m),
  };
}

/** A frame rate as the API shows it: 29.97. */
export function fpsShape(fps: number): number {
  return Math.round(fps * 100) / 100;
}

/** A GOP's length as the API shows it. */
export function gopShape(view: GopView | undefined): ApiGop | null {
  return view === undefined ? null : { frames: view.frames, ms: Math.round(view.ms) };
}

/** Corrections of timestamps as the API shows them. */
export function jitterShape({ corrections, correctedMs }: JitterView): ApiJitter {
  return { corrections, ms: Math.round(correctedMs) };
}

/** Flush times as the API shows them, to a microsecond. */
export function flushShape({ count, p50Ms, p99Ms }: FlushView): ApiFlush {
  return { count, p50_ms: micros(p50Ms), p99_ms: micros(p99Ms) };
}

/** What the server moves, as the API shows it. */
export function trafficShape(view: TrafficView): ApiTraffic {
  return {
    publishers: view.publishers,
    players: view.players,
    streams: view.streams,
    kbps: kbpsShape(view.kbps),
    fps: fpsShape(view.fps),
    frames: view.videoFrames,
    audio_frames: view.audioFrames,
    dropped_frames: view.droppedFrames,
    jitter: jitterShape(view.jitter),
    flush: flushShape(view.flushes),
  };
}

function micros(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}
