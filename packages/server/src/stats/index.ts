export { Admission } from './admission.ts';
export { type EndReason, endReasons } from './end-reason.ts';
export {
  SAMPLE_INTERVAL_MS,
  type Session,
  type SessionEntry,
  Sessions,
  type SessionType,
  type StreamTraffic,
} from './sessions.ts';
export { type SystemReading, SystemStats } from './system/index.ts';
