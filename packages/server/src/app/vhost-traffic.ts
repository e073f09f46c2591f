import type { LiveHub } from '../live/index.ts';
import { addRates, NO_RATES, type Rates, type Sessions } from '../stats/index.ts';

/** What the streams of one vhost move, those that are there now. */
export interface VhostTraffic {
  streams: number;
  /** Publishers and players. */
  clients: number;
  players: number;
  bytesIn: number;
  bytesOut: number;
  droppedFrames: number;
  corrections: number;
  correctedMs: number;
  rates: Rates;
}

/** A vhost without a stream. */
export const NO_VHOST_TRAFFIC: Readonly<VhostTraffic> = {
  streams: 0,
  clients: 0,
  players: 0,
  bytesIn: 0,
  bytesOut: 0,
  droppedFrames: 0,
  corrections: 0,
  correctedMs: 0,
  rates: NO_RATES,
};

/** Adds up what the streams of each vhost move, by the vhost's name. */
export function trafficOfVhosts(hub: LiveHub, sessions: Sessions): ReadonlyMap<string, VhostTraffic> {
  const vhosts = new Map<string, VhostTraffic>();
  for (const { id, key, meter } of hub.streams()) {
    let sum = vhosts.get(id.vhost);
    if (sum === undefined) {
      sum = { ...NO_VHOST_TRAFFIC };
      vhosts.set(id.vhost, sum);
    }
    sum.streams += 1;
    sum.corrections += meter.corrections;
    sum.correctedMs += meter.correctedMs;
    const traffic = sessions.traffic(key);
    if (traffic === undefined) continue;
    const totals = traffic.totals();
    sum.clients += traffic.clients;
    sum.players += traffic.players;
    sum.bytesIn += totals.bytesIn;
    sum.bytesOut += totals.bytesOut;
    sum.droppedFrames += totals.droppedFrames;
    sum.rates = addRates(sum.rates, traffic.rates(totals));
  }
  return vhosts;
}
