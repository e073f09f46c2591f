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
  #engineLoaded;
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

  /** @param {string} url http(s): or ws(s): address of an FLV stream */
  async play(url) {
    this.stop();
    this.#setState('loading');
    try {
      this.#engineLoaded ??= loadEngine();
      await this.#engineLoaded;
    } catch {
      this.#engineLoaded = undefined;
      this.#setState('failed', 'The player could not be loaded', 'Is the server still running?');
      return;
    }
    if (!mpegts.getFeatureList().mseLivePlayback) {
      this.#setState(
        'unsupported',
        'This browser cannot play live FLV',
        'It lacks Media Source Extensions. Copy the RTMP or HTTP-FLV address into VLC instead.',
      );
      return;
    }
    const engine = mpegts.createPlayer(
      { type: 'flv', isLive: true, url, cors: true },
      {
        enableStashBuffer: false,
        autoCleanupSourceBuffer: true,
        liveBufferLatencyChasing: true,
        liveBufferLatencyMaxLatency: 6,
        liveBufferLatencyMinRemain: 1,
        liveSync: true,
        liveSyncMaxLatency: 2.5,
        liveSyncTargetLatency: 1.2,
        liveSyncPlaybackRate: 1.1,
      },
    );
    this.#engine = engine;
    engine.on(mpegts.Events.MEDIA_INFO, (info) => {
      this.#media = info;
    });
    engine.on(mpegts.Events.LOADING_COMPLETE, () => {
      this.#end('ended', 'The stream has ended', 'It starts again by itself when its publisher is back.');
    });
    engine.on(mpegts.Events.ERROR, (type, detail, info) => {
      this.#end(...failureWords(type, detail, info));
    });
    engine.attachMediaElement(this.#video);
    engine.load();
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

function failureWords(type, detail, info) {
  const status = info?.code;
  if (status === 404) {
    return ['ended', 'Not live right now', 'It starts by itself as soon as someone publishes it.'];
  }
  if (type === mpegts.ErrorTypes.MEDIA_ERROR) {
    return detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED || /codec/i.test(info?.msg ?? '')
      ? [
          'unsupported',
          'This browser cannot decode the stream',
          'Try another browser, or VLC with its address.',
        ]
      : ['failed', 'The picture could not be decoded', info?.msg ?? ''];
  }
  return [
    'failed',
    'The connection was lost',
    status > 0 ? `The server answered ${status}.` : 'It is tried again while the stream is live.',
  ];
}

/** mpegts.js is a classic script that makes one global, loaded when the first stream plays. */
function loadEngine() {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = '/assets/mpegts.js';
    script.addEventListener('load', () => {
      mpegts.LoggingControl.enableAll = false;
      resolve();
    });
    script.addEventListener('error', () => {
      script.remove();
      reject(new Error('mpegts.js could not be loaded'));
    });
    document.head.append(script);
  });
}
