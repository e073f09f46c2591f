import type { Context, PeerName } from '../lib/context.ts';
import { startFloor } from './floor.ts';
import { startNginx } from './nginx.ts';
import { startNodeMediaServer } from './node-media-server.ts';
import type { TestedServer } from './server.ts';
import { type SluiceOptions, startSluice } from './sluice.ts';

export { type FileServer, startNginxFiles } from './nginx.ts';
export { CALLBACK_DELAY_MS, type CallbackServer, startCallbackServer } from './callbacks.ts';
export { type MeasuredServer, type SelfFigures, startMeasured } from './measured.ts';
export type { HlsOptions, TestedServer } from './server.ts';
export { startSluice, sluiceConfig } from './sluice.ts';
export type { SluiceOptions, SluiceServer } from './sluice.ts';

/** Starts one of the compared servers; the options are Sluice's; of them nginx-rtmp gets `hls`, and the others have their defaults. */
export async function startServer(
  context: Context,
  name: PeerName,
  options: SluiceOptions = {},
): Promise<TestedServer> {
  switch (name) {
    case 'sluice':
      return startSluice(context, options);
    case 'nginx-rtmp':
      return startNginx(context, options.hls);
    case 'node-media-server':
      return startNodeMediaServer(context);
    case 'floor':
      return startFloor(context);
  }
}
