export { type AddressAdmission, Admission, type AdmissionRefusal } from './admission.ts';
export { type EndReason, endReasons } from './end-reason.ts';
export type { EndedSession, EndedSessions } from './ended-sessions.ts';
export type { Session, SessionType } from './session.ts';
export {
  SAMPLE_INTERVAL_MS,
  type SessionEntry,
  Sessions,
  type SessionTotals,
  type StreamTraffic,
} from './sessions.ts';
export { type SystemReading, SystemStats } from './system/index.ts';
