import type { PublishFlavour } from './events.ts';

/**
 * Recognises the kind of publisher by the commands it sends before `publish`: releaseStream or FCPublish
 * before createStream is FMLE's order, which ffmpeg and OBS follow too; FCPublish after createStream is
 * Haivision's; neither is Flash's.
 */
export class PublisherOrder {
  #streamCreated = false;
  #fmle = false;
  #haivision = false;

  get flavour(): PublishFlavour {
    return this.#fmle ? 'fmle-publish' : this.#haivision ? 'haivision-publish' : 'flash-publish';
  }

  createStream(): void {
    this.#streamCreated = true;
  }

  fmleStart(command: string): void {
    if (!this.#streamCreated) {
      this.#fmle = true;
    } else if (command === 'FCPublish') {
      this.#haivision = true;
    }
  }

  /** Forgets everything, for the next publish of the connection. */
  reset(): void {
    this.#streamCreated = false;
    this.#fmle = false;
    this.#haivision = false;
  }
}
