import { createServer, StartError } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clipTags, FlvViewer, haveFfmpeg, openPlayer, openPublisher } from '../harness/index.ts';

describe.runIf(haveFfmpeg)('createServer of the package', () => {
  it('runs inside another program, on ports that the system chooses, and is gone after close()', async () => {
    const clip = await clipTags('h264-aac');
    const server = createServer({
      listen: [{ host: '127.0.0.1', port: 0 }],
      httpServer: { listen: [0] },
      vhosts: { __defaultVhost__: { minLatency: true, httpRemux: { enabled: true } } },
    });
    await server.start();
    onTestFinished(() => server.close());
    const rtmp = server.addresses.rtmp[0]?.port ?? 0;
    const http = server.addresses.http[0]?.port ?? 0;
    expect(rtmp).toBeGreaterThan(0);
    const player = await openPlayer(rtmp, 'embedded');
    const publisher = await openPublisher(rtmp, 'embedded');
    publisher.sendAllMedia(clip.tags);
    await player.untilMedia(clip.frames.length);
    expect([...server.streams.streams()].map(({ key }) => key)).toEqual(['__defaultVhost__/live/embedded']);
    const viewer = await FlvViewer.open(`http://127.0.0.1:${http}/live/embedded.flv`);
    await viewer.untilMedia(10);
    await server.close();
    await Promise.all([viewer.untilEnded(), player.untilClosed()]);
    await expect(openPlayer(rtmp, 'embedded')).rejects.toThrow();
  });

  it('tells in one error that a port is in use', async () => {
    const first = createServer({ listen: [{ host: '127.0.0.1', port: 0 }] });
    await first.start();
    onTestFinished(() => first.close());
    const port = first.addresses.rtmp[0]?.port ?? 0;
    const second = createServer({ listen: [`127.0.0.1:${port}`] });
    const error: unknown = await second.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ code: 'listen-failed' });
    await second.close();
  });
});
