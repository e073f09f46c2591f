/** What the end-to-end tests share: a real server, ffmpeg, a browser, and ways to wait for them. */
export { launchBrowser } from './browser.ts';
export { ffmpeg, framemd5, packets, probe, publish, Publisher, record, rtmpdump } from './ffmpeg.ts';
export type { FrameHash, Packet, Probe, ProbedStream, PublishOptions } from './ffmpeg.ts';
export { FIXTURE_SECONDS, fixture } from './fixtures.ts';
export type { FixtureName } from './fixtures.ts';
export { accepts, freePort, freePorts, isListening } from './ports.ts';
export { RunningProcess, waitFor, waitForEvent } from './process.ts';
export type { Exit, SpawnOptions } from './process.ts';
export { runSluice, sluiceMain, SluiceUnderTest, startSluice } from './sluice.ts';
export type { SluicePorts, StartOptions } from './sluice.ts';
export { haveChromium, haveFfmpeg, haveRtmpdump, pathOf } from './tools.ts';
export { bodies, clipTags, isKeyframe, isSequenceHeader, readTags, shifted } from './clip.ts';
export type { Clip } from './clip.ts';
export { FlvViewer } from './flv-viewer.ts';
export { openPlayer, openPublisher, RtmpPeer } from './rtmp-peer.ts';
export type { ConnectOptions, MediaMessage, PublishOrder } from './rtmp-peer.ts';
export { capture } from './capture.ts';
export type { Capture } from './capture.ts';
