import { z } from 'zod';

/** What is counted and measured of media, wherever it is shown. Only `recv_30s` and `send_30s` are SRS's. */

const count = z.number().int().nonnegative();
const ms = z.number().nonnegative();

/** kbit/s over the last 30 seconds and 5 minutes. */
export const kbpsSchema = z.strictObject({
  recv_30s: z.number().int(),
  send_30s: z.number().int(),
  recv_5m: z.number().int(),
  send_5m: z.number().int(),
});

/** Video frames a second over the last 30 seconds. */
export const fpsSchema = z.number().nonnegative();

/** The latest whole GOP: its frames of video, and the time to the next keyframe. */
export const gopSchema = z.strictObject({ frames: count, ms });

/** How often publishers' timestamps were corrected, and by how much together. */
export const jitterSchema = z.strictObject({ corrections: count, ms });

/** How long flushes to players take; percentiles of the last minutes, null when there was no flush. */
export const flushSchema = z.strictObject({ count, p50_ms: ms.nullable(), p99_ms: ms.nullable() });

/** What the whole server moves. */
export const trafficSchema = z.strictObject({
  publishers: count,
  players: count,
  streams: count,
  kbps: kbpsSchema,
  fps: fpsSchema,
  frames: count,
  audio_frames: count,
  dropped_frames: count,
  jitter: jitterSchema,
  flush: flushSchema,
});

export type ApiKbps = z.infer<typeof kbpsSchema>;
export type ApiGop = z.infer<typeof gopSchema>;
export type ApiJitter = z.infer<typeof jitterSchema>;
export type ApiFlush = z.infer<typeof flushSchema>;
export type ApiTraffic = z.infer<typeof trafficSchema>;
