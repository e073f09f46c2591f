/** The calls of a bandwidth test (spec 5.4); those of the client are named so. */
export const BandwidthCall = {
  startPlay: 'onSrsBandCheckStartPlayBytes',
  /** Client. */
  startingPlay: 'onSrsBandCheckStartingPlayBytes',
  playing: 'onSrsBandCheckPlaying',
  stopPlay: 'onSrsBandCheckStopPlayBytes',
  /** Client. */
  stoppedPlay: 'onSrsBandCheckStoppedPlayBytes',
  startPublish: 'onSrsBandCheckStartPublishBytes',
  /** Client. */
  startingPublish: 'onSrsBandCheckStartingPublishBytes',
  /** Client. */
  publishing: 'onSrsBandCheckPublishing',
  stopPublish: 'onSrsBandCheckStopPublishBytes',
  /** Client. */
  stoppedPublish: 'onSrsBandCheckStoppedPublishBytes',
  finished: 'onSrsBandCheckFinished',
  /** Client. */
  final: 'finalClientPacket',
} as const;

/** A value of {@link BandwidthCall}. */
export type BandwidthCall = (typeof BandwidthCall)[keyof typeof BandwidthCall];

/** ms between two looks at the clock by either side of a test. */
export const BANDWIDTH_TICK_MS = 50;
