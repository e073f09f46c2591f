import type { Frame, LiveStream } from '../live/index.ts';

/**
 * The sequence headers that hold now for what is published. A form whose bytes depend on them asks
 * when a group of players begins; changes come among the frames.
 */
export function presentHeaders(stream: Pick<LiveStream, 'attach' | 'publisherId'>): Frame[] {
  const headers: Frame[] = [];
  if (stream.publisherId === undefined) return headers;
  // A sink that is attached mid-stream is given them at once.
  const detach = stream.attach({
    write: (frame) => {
      if (frame.sequenceHeader) headers.push(frame);
    },
    end: () => undefined,
  });
  detach();
  return headers;
}
