import { playFlv, playHls } from './engines.js';

/** A player whose first picture takes longer than this says that it waits, ms. */
const SLOW_START_MS = 4000;

/** Where in the buffer a player that jumps to the live edge lands, seconds before the end. */
const LIVE_EDGE_SECONDS = 0.6;

/**
 * One live stream in one video element. Its `state` events carry `{state, title, text}`; the states are
 * `idle`, `loading`, `waiting`, `playing`, `ended`, `failed`, `unsupported`.
 */
export class LivePlayer extends EventTarget {
  #video;
  #engine = null;
  /** The play that is wanted now; what an earlier one still says is not heard. */
  #attempt = null;
  #slowTimer = 0;
  #media = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.#video = video;
    this.state = 'idle';
    video.addEventListener('playing', () => {
      if (this.#engine !== null) {
        this.#setState('playing');
      }
    });
    video.addEventListener('volumechange', () => this.dispatchEvent(new Event('sound')));
  }

  /** Codecs and size as the stream itself tells them; null before they are known. */
  get media() {
    return this.#media;
  }

  /** Seconds between the picture shown and the newest one received; undefined when not playing. */
  get bufferSeconds() {
    const { buffered, currentTime } = this.#video;
    if (this.#engine === null || buffered.length === 0) {
      return undefined;
    }
    return Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  /** Frames that were decoded too late to be shown. */
  get droppedFrames() {
    return this.#engine === null ? undefined : this.#video.getVideoPlaybackQuality().droppedVideoFrames;
  }

  /**
   * @param {string} url
   * @param {'flv' | 'hls'} form
   */
  async play(url, form) {
    this.stop();
    this.#setState('loading');
    const attempt = {};
    this.#attempt = attempt;
    const listener = {
      media: (info) => {
        if (this.#attempt !== attempt) return;
        this.#media = { ...this.#media, ...info };
        this.dispatchEvent(new Event('media'));
      },
      end: (state, title, text) => {
        if (this.#attempt === attempt) this.#end(state, title, text);
      },
    };
    let engine;
    try {
      engine = await (form === 'hls' ? playHls : playFlv)(this.#video, url, listener);
    } catch {
      listener.end('failed', 'The player could not be loaded', 'Is the server still running?');
      return;
    }
    if (this.#attempt !== attempt) {
      engine.destroy();
      return;
    }
    this.#engine = engine;
    this.#slowTimer = setTimeout(() => {
      this.#setState('waiting', 'Waiting for the first picture…', 'The stream has sent nothing yet.');
    }, SLOW_START_MS);
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name === 'NotAllowedError' && this.#engine === engine) {
        // Without a click, browsers play muted only.
        this.#video.muted = true;
        await this.#video.play().catch(() => undefined);
      }
    }
  }

  /** Does not play yet, and says what for. */
  hold(title, text) {
    this.#end('waiting', title, text);
  }

  /** Ends the stream and frees what it held. */
  stop() {
    this.#release();
    this.#setState('idle');
  }

  /** Jumps to the newest picture. */
  goLive() {
    const { buffered } = this.#video;
    if (buffered.length > 0) {
      this.#video.currentTime = Math.max(0, buffered.end(buffered.length - 1) - LIVE_EDGE_SECONDS);
    }
    this.#video.play().catch(() => undefined);
  }

  #end(state, title, text) {
    this.#release();
    this.#setState(state, title, text);
  }

  #release() {
    clearTimeout(this.#slowTimer);
    this.#attempt = null;
    this.#media = null;
    const engine = this.#engine;
    this.#engine = null;
    engine?.destroy();
  }

  #setState(state, title = '', text = '') {
    if (state !== 'loading' && state !== 'waiting') {
      clearTimeout(this.#slowTimer);
    }
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: { state, title, text } }));
  }
}
