export { createLog, type Log, type OpenLog, openLog, quietLog } from './log.ts';
export { endLine } from './end-line.ts';
export { newSessionId } from './session-id.ts';
export { plainAddress } from './address.ts';
