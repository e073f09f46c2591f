import type { Socket } from 'node:net';
import type { MediaMessage, PlayRequest, ServerSession, StreamUrl } from '../session/index.ts';
import type { RtmpServerClient } from './server-client.ts';

/**
 * Messages that are kept while they can't be sent: those before the play is accepted, configurations of a slow player.
 * Their bytes are limited by `maxQueuedBytes`.
 */
const maxKeptMessages = 1024;

/** What a player has of the connection below it. */
export interface RtmpServerPlayerLink {
  readonly connection: RtmpServerClient;
  readonly session: ServerSession;
  readonly socket: Socket;
  readonly maxQueuedBytes: number;
  /** Ends the play from the server's side. */
  readonly end: (description: string | undefined) => void;
}

/**
 * A client's play at an `RtmpServer`.
 *
 * What is sent waits in the player's socket, up to `maxQueuedBytes`. A player that is slower than the stream misses
 * frames then, until its queue is half empty and a keyframe comes. Sequence headers and metadata are never missed.
 */
export class RtmpServerPlayer {
  readonly request: PlayRequest;
  readonly #link: RtmpServerPlayerLink;
  /** Messages for a player that can't take them now, by what they configure; frames by a number. */
  readonly #kept = new Map<string | number, MediaMessage>();
  #keptBytes = 0;
  /** A frame that should have been kept was dropped. */
  #hasGap = false;
  #phase: 'requested' | 'playing' | 'ended' = 'requested';
  #hasVideo = false;
  #awaitsKeyframe = true;
  #behind = false;
  #paused = false;
  #audioOn = true;
  #videoOn = true;
  #corked = false;
  #dropped = 0;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#link.socket.uncork();
  };

  constructor(request: PlayRequest, link: RtmpServerPlayerLink) {
    this.request = request;
    this.#link = link;
  }

  get connection(): RtmpServerClient {
    return this.#link.connection;
  }

  /** What is played: vhost, app, stream and query. */
  get url(): StreamUrl {
    return this.request.url;
  }

  /** Bytes that wait for the client. */
  get queuedBytes(): number {
    return this.#link.socket.writableLength;
  }

  /** Frames that the player missed because it was too slow; those before its first keyframe are not counted. */
  get droppedFrames(): number {
    return this.#dropped;
  }

  /**
   * Sends a message, unless the player can't use it: frames before the first keyframe of a stream with video, frames
   * beyond the queue, media that the client has paused or switched off. The memory is shared by all players.
   *
   * @returns whether it was sent, or will be
   */
  send(message: MediaMessage): boolean {
    if (this.#phase === 'ended') {
      return false;
    }
    if (this.#phase === 'requested') {
      return this.#keep(message.configures ?? this.#kept.size, message);
    }
    if (message.configures !== undefined) {
      return this.#sendConfiguration(message, message.configures);
    }
    if (message.kind === 'data') {
      return this.#write(message);
    }
    return this.#isUseful(message) && this.#write(message);
  }

  /** Ends the play; the client stays connected. The default text is that of Flash Media Server. */
  end(description?: string): void {
    this.#link.end(description);
  }

  /** Notifies the client that the publisher has left (`NetStream.Play.UnpublishNotify`). The play continues. */
  notifyUnpublish(): void {
    this.#link.session.notifyUnpublish();
  }

  /** Notifies the client that there is a publisher (`NetStream.Play.PublishNotify`). */
  notifyPublish(): void {
    this.#link.session.notifyPublish();
  }

  /** @internal The play was accepted: sends what the handler has sent so far. */
  start(): void {
    this.#phase = 'playing';
    for (const message of this.#takeKept()) {
      this.send(message);
    }
    this.#awaitsKeyframe ||= this.#hasGap;
  }

  /** @internal */
  stop(): void {
    this.#phase = 'ended';
    this.#takeKept();
  }

  /** @internal The client pauses or continues: it starts at a keyframe again. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#awaitsKeyframe = true;
  }

  /** @internal */
  receiveAudio(on: boolean): void {
    this.#audioOn = on;
  }

  /** @internal Pictures begin with a keyframe again. */
  receiveVideo(on: boolean): void {
    this.#videoOn = on;
    this.#awaitsKeyframe = true;
  }

  #sendConfiguration(message: MediaMessage, configures: string): boolean {
    this.#hasVideo ||= message.kind === 'video';
    // The newest of each is sent before the next keyframe.
    return this.#behind ? this.#keep(configures, message) : this.#write(message);
  }

  /** Whether the client wants this frame and can decode it. */
  #isUseful(message: MediaMessage): boolean {
    const isVideo = message.kind === 'video';
    this.#hasVideo ||= isVideo;
    if (this.#paused || !(isVideo ? this.#videoOn : this.#audioOn)) {
      return false;
    }
    if (this.#awaitsKeyframe && this.#hasVideo && this.#videoOn) {
      if (!message.keyframe || !this.#hasRoom()) {
        this.#dropped += this.#behind ? 1 : 0;
        return false;
      }
      this.#awaitsKeyframe = false;
    }
    if (this.#behind && !this.#catchUp()) {
      this.#dropped += 1;
      return false;
    }
    return true;
  }

  /** A player that was behind continues when half of its queue is empty. */
  #hasRoom(): boolean {
    return !this.#behind || this.queuedBytes <= this.#link.maxQueuedBytes / 2;
  }

  #catchUp(): boolean {
    if (!this.#hasRoom()) {
      return false;
    }
    this.#behind = false;
    for (const message of this.#takeKept()) {
      this.#write(message);
    }
    return !this.#behind;
  }

  #write(message: MediaMessage): boolean {
    const { socket, session, maxQueuedBytes } = this.#link;
    const chunks = message.toChunks(session.chunkSize);
    if (socket.writableLength + chunks.length > maxQueuedBytes && socket.writableLength > 0) {
      this.#behind = true;
      this.#awaitsKeyframe = true;
      if (message.configures !== undefined) {
        return this.#keep(message.configures, message);
      }
      this.#dropped += 1;
      return false;
    }
    // The messages of one read of the publisher leave in one write.
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(this.#uncork);
    }
    socket.write(chunks);
    return true;
  }

  #keep(key: string | number, message: MediaMessage): boolean {
    const replaced = this.#kept.get(key)?.payload.length ?? 0;
    const bytes = this.#keptBytes - replaced + message.payload.length;
    this.#kept.delete(key);
    if (this.#kept.size >= maxKeptMessages || bytes > this.#link.maxQueuedBytes) {
      this.#keptBytes -= replaced;
      this.#hasGap = true;
      this.#dropped += 1;
      return false;
    }
    this.#keptBytes = bytes;
    this.#kept.set(key, message);
    return true;
  }

  #takeKept(): readonly MediaMessage[] {
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    this.#keptBytes = 0;
    return kept;
  }
}
