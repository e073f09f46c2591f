export { HttpCallbacks, type HookFigures, type HttpCallbacksOptions } from './callbacks.ts';
export type { CloseEvent, DvrEvent, HlsEvent, HookEvent, LeaveEvent } from './events.ts';
export { Heartbeat, type HeartbeatSource } from './heartbeat.ts';
export type { HookLimits } from './limits.ts';
export type { HookLog } from './outage.ts';
