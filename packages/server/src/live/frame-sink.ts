import type { Frame } from './frame.ts';

/** A consumer of a live stream within the process, such as HLS or a recording. */
export interface FrameSink {
  /**
   * Takes the next frame, in the order of the stream. The body of a sequence header or of metadata may be kept;
   * that of media is lent for the call only. Must be quick and must not throw: a sink that throws is detached.
   */
  write(frame: Frame): void;
  /** The publisher has gone, or the sink is detached. Called once; nothing follows. */
  end(): void;
}
