import type { Command } from '../message/index.ts';
import type { PublishFlavour, UnpublishCause } from './events.ts';

/** Answers to our own calls: nothing is due for them. */
export const answerNames: ReadonlySet<string> = new Set(['_result', '_error', 'onStatus']);

/**
 * How a command ends the publish of its connection; undefined when it doesn't. A Flash publisher ends by any
 * command for its stream.
 */
export function publishEnd(
  { name, args }: Command,
  streamId: number,
  flavour: PublishFlavour,
): UnpublishCause | undefined {
  const isFlash = flavour === 'flash-publish';
  switch (name) {
    case 'FCUnpublish':
    case 'closeStream':
    case 'deleteStream':
      return name;
    case 'publish':
      return isStop(args[1]) ? 'publish(false)' : 'command';
    case 'play':
      return 'command';
    case 'createStream':
    case 'releaseStream':
    case 'FCPublish':
      return isFlash ? 'command' : undefined;
    default:
      return isFlash && streamId !== 0 && !answerNames.has(name) ? 'command' : undefined;
  }
}

/** Flash ends a publish by `publish(false)`, others by `publish(null)` or `publish()`. */
function isStop(name: unknown): boolean {
  return name === false || name === null || name === undefined;
}
