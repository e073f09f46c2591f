import { copyBytes } from '@sluice/media/bytes';

import { type Frame, FrameKind } from '../../live/index.ts';
import type { HeaderFrames } from './recorded-file.ts';

const ON_META_DATA = new TextEncoder().encode('onMetaData');

/** What a recording knows of its stream: what stands at the head of each of its files. */
export class StreamHeaders {
  #frames: HeaderFrames = {};

  /** What is known now; never changed afterwards. */
  get frames(): HeaderFrames {
    return this.#frames;
  }

  get hasVideo(): boolean {
    return this.#frames.video !== undefined;
  }

  /** Whether both tracks are known. */
  get hasBoth(): boolean {
    return this.hasVideo && this.#frames.audio !== undefined;
  }

  /** Takes metadata or a sequence header, which replaces the last one. Cue points and the like are not kept. */
  take(header: Frame): void {
    if (isMetadata(header)) this.#frames = { ...this.#frames, metadata: header };
    else if (header.kind === FrameKind.audio) this.#frames = { ...this.#frames, audio: header };
    else if (header.kind === FrameKind.video) this.#frames = { ...this.#frames, video: header };
  }

  /** The first media frame of a track stands for the sequence header that its codec doesn't have. */
  note(frame: Frame): void {
    const { audio, video } = this.#frames;
    if (frame.kind === FrameKind.video) {
      if (video === undefined) this.#frames = { ...this.#frames, video: copyOf(frame) };
    } else if (audio === undefined) {
      this.#frames = { ...this.#frames, audio: copyOf(frame) };
    }
  }
}

/** Whether a frame is an AMF 0 message with the name `onMetaData`. */
export function isMetadata({ kind, body }: Frame): boolean {
  if (kind !== FrameKind.data) return false;
  if (body[0] !== 2 || body[1] !== 0 || body[2] !== ON_META_DATA.length) return false;
  return ON_META_DATA.every((byte, index) => body[index + 3] === byte);
}

/** A frame with memory of its own. */
export function copyOf(frame: Frame): Frame {
  return { ...frame, body: copyBytes(frame.body) };
}
