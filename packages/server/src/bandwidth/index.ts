/** Bandwidth tests (B001, B002): who may have one, the server's side and the client's. */
export { BandwidthClient } from './bandwidth-client.ts';
export { BandwidthGate, bandwidthRejection } from './bandwidth-gate.ts';
export type { BandwidthEnd, BandwidthResult } from './bandwidth-test.ts';
export { BANDWIDTH_TICK_MS } from './names.ts';
export { RunningBandwidthTest, type RunningTestOptions } from './running-test.ts';
