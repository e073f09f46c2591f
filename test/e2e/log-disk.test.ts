import { existsSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { openPlayer, openPublisher, startSluice } from '../harness/index.ts';

describe.runIf(existsSync('/dev/full'))('a log whose disk is full', () => {
  it('G005 holds up nobody, and is told once', async ({ onTestFinished }) => {
    const sluice = await startSluice({
      config: ({ rtmp, api }) => `listen ${rtmp}; max_connections 100;
srs_log_tank file; srs_log_file /dev/full;
http_api { enabled on; listen ${api}; }
vhost __defaultVhost__ { min_latency on; publish { normal_timeout 600000; } }
`,
    });
    onTestFinished(() => sluice.stop());
    const { rtmp } = sluice.ports;
    const publisher = await openPublisher(rtmp, 'x');
    const player = await openPlayer(rtmp, 'x');
    for (let nth = 0; nth < 10; nth += 1) {
      publisher.sendMedia({ type: 9, timestamp: nth * 40, body: Uint8Array.of(0x17, 1, 0, 0, 0, nth) });
    }
    await player.untilMedia(10);
    await player.close();
    await publisher.close();
    await sluice.logged(/ENOSPC/);
    expect(sluice.process.stderr.match(/srs_log_file \/dev\/full: ENOSPC/g)).toHaveLength(1);
  });
});
