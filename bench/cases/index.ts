import type { BenchCase } from '../lib/case.ts';
import { apiClientsCase } from './api-clients.ts';
import { connectsCase } from './connects.ts';
import { hlsViewersCase, playlistRateCase } from './hls-viewers.ts';
import { joinCase } from './joins.ts';
import { latencyCase } from './latency.ts';
import { observedCase } from './observed.ts';
import { httpFlvCase, httpTsCase, playersCase } from './players.ts';
import { publishersCase } from './publishers.ts';
import { rampCase } from './ramp.ts';
import { reloadCase } from './reloads.ts';
import { playRoundsCase, publishRoundsCase } from './rounds.ts';
import { dvrPublishersCase, hlsPublishersCase } from './segments.ts';
import { stallCase } from './stall.ts';
import { startCase } from './start.ts';
import { vhostsCase } from './vhosts.ts';
import { vodCase } from './vod.ts';

/** All cases, in the order of the table. */
export const CASES: readonly BenchCase[] = [
  playersCase({
    clients: 1000,
    quickClients: 50,
    quick: true,
    bounds: { 'nginx-rtmp': 0.15, 'node-media-server': 0.12, floor: 1.25 },
  }),
  playersCase({ clients: 4000, quickClients: 100, quick: false, bounds: { 'nginx-rtmp': 0.2, floor: 1.25 } }),
  rampCase,
  httpFlvCase,
  httpTsCase,
  publishersCase(500, false),
  publishersCase(1000, true),
  hlsPublishersCase,
  dvrPublishersCase,
  hlsViewersCase,
  playlistRateCase,
  vodCase,
  observedCase,
  apiClientsCase,
  connectsCase,
  reloadCase,
  vhostsCase,
  latencyCase(100, false),
  latencyCase(1000, true),
  joinCase,
  startCase,
  publishRoundsCase,
  playRoundsCase,
  stallCase,
];
