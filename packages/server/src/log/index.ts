export { createLog, type Log, type LogOptions, type OpenLog, openLog, quietLog } from './log.ts';
export { endSession, type SessionEnd } from './end-session.ts';
export { newSessionId } from './session-id.ts';
export { plainAddress } from './address.ts';
