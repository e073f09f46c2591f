export type { TsVideoUnit } from './access-unit.ts';
export * from './constants.ts';
export { TS_MAX_DECODE_LEAD_MS, TsDecodeClock } from './decode-clock.ts';
export { TsDemuxer } from './demuxer.ts';
export type {
  TsAudioEvent,
  TsDemuxerCounters,
  TsEvent,
  TsProgramEvent,
  TsStream,
  TsVideoEvent,
} from './events.ts';
export { TS_DEMUXER_LIMITS, type TsDemuxerLimits } from './limits.ts';
export * from './muxer.ts';
export * from './pes.ts';
export * from './psi.ts';
export {
  readPcr,
  readTimestamp,
  ticksOfMs,
  TS_CLOCK_RATE,
  TS_CLOCK_WRAP,
  TsClock,
  writePcr,
  writeTimestamp,
} from './timestamp.ts';
