export { type AddressAdmission, Admission, type AdmissionRefusal } from './admission.ts';
export {
  connectionsWithin,
  descriptorNeed,
  descriptorOf,
  Descriptors,
  isOutOfDescriptors,
} from './descriptors.ts';
export { type EndReason, endReasons } from './end-reason.ts';
export type { EndedSession, EndedSessions } from './ended-sessions.ts';
export type { Session, SessionType } from './session.ts';
export { addRates, NO_RATES, type Rates, SAMPLE_INTERVAL_MS } from './rate.ts';
export { Reused } from './reused.ts';
export { type SessionEntry, Sessions, type SessionTotals } from './sessions.ts';
export type { StreamTraffic, Traffic } from './traffic.ts';
export { type SystemReading, SystemStats } from './system/index.ts';
