/**
 * What plays a stream in a video element: mpegts.js for FLV, hls.js (or the browser itself) for HLS. Both libraries
 * are classic scripts that make one global, loaded when the first stream plays.
 *
 * An engine tells its listener `media({width, height})` when it knows the picture, and `end(state, title, text)`
 * once, when nothing more comes; `destroy()` frees what it holds.
 */

const HLS_OPTIONS = {
  liveDurationInfinity: true,
  // Three segments behind the end of the playlist, as RFC 8216 asks for (clause 6.3.3).
  liveSyncDurationCount: 3,
  // A viewer who has fallen behind catches up so slowly that nobody hears it.
  maxLiveSyncPlaybackRate: 1.05,
};

/** Errors of hls.js that a decoder set up afresh does not help. */
const NO_DECODER = new Set([
  'manifestIncompatibleCodecsError',
  'bufferAddCodecError',
  'bufferIncompatibleCodecsError',
]);

/**
 * @param {HTMLVideoElement} video
 * @param {string} url http(s): or ws(s): address of an FLV stream
 */
export async function playFlv(video, url, listener) {
  await loadScript(new URL('mpegts.js', import.meta.url).href);
  mpegts.LoggingControl.enableAll = false;
  if (!mpegts.getFeatureList().mseLivePlayback) {
    listener.end(
      'unsupported',
      'This browser cannot play live FLV',
      'It lacks Media Source Extensions. Play by HLS, or copy the RTMP address into VLC instead.',
    );
    return { destroy() {} };
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
  engine.on(mpegts.Events.MEDIA_INFO, (info) => {
    listener.media({ ...info, audioOnly: info.hasAudio && !info.hasVideo });
  });
  engine.on(mpegts.Events.LOADING_COMPLETE, () => {
    listener.end('ended', 'The stream has ended', 'It starts again by itself when its publisher is back.');
  });
  engine.on(mpegts.Events.ERROR, (type, detail, info) => {
    listener.end(...flvFailure(type, detail, info));
  });
  engine.attachMediaElement(video);
  engine.load();
  return engine;
}

/**
 * @param {HTMLVideoElement} video
 * @param {string} url address of a playlist
 */
export async function playHls(video, url, listener) {
  await loadScript(new URL('hls.js', import.meta.url).href);
  if (!Hls.isSupported()) {
    return playNatively(video, url, listener);
  }
  const engine = new Hls(HLS_OPTIONS);
  const recovery = new MediaRecovery(engine);
  playAfterRecoveries(engine, video);
  engine.on(Hls.Events.ERROR, (_event, { fatal, type, details, response }) => {
    if (!fatal) {
      return;
    }
    if (type === Hls.ErrorTypes.MEDIA_ERROR) {
      if (NO_DECODER.has(details)) {
        listener.end('unsupported', 'This browser cannot decode the stream', details);
      } else if (!recovery.tryAgain()) {
        listener.end('failed', 'The picture could not be decoded', details);
      }
    } else {
      listener.end(...networkFailure(response?.code ?? 0));
    }
  });
  engine.on(Hls.Events.BUFFER_CODECS, (_event, tracks) => {
    listener.media({ audioOnly: tracks.audio !== undefined && !tracks.video && !tracks.audiovideo });
  });
  engine.once(Hls.Events.DESTROYING, watchForEnd(video, listener));
  engine.loadSource(url);
  engine.attachMedia(video);
  return engine;
}

/** After a media error hls.js can set up its decoder afresh; what fails again and again within this time does not recover. */
const RECOVERY_WINDOW_MS = 10_000;
const MAX_RECOVERIES = 3;

class MediaRecovery {
  #engine;
  #times = [];

  constructor(engine) {
    this.#engine = engine;
  }

  /** @returns {boolean} whether it goes on */
  tryAgain() {
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < RECOVERY_WINDOW_MS);
    if (this.#times.length >= MAX_RECOVERIES) {
      return false;
    }
    if (this.#times.length > 0) {
      // AAC that says less than it is: the second attempt takes the other form.
      this.#engine.swapAudioCodec();
    }
    this.#times.push(now);
    this.#engine.recoverMediaError();
    return true;
  }
}

/**
 * Plays on after each recovery, hls.js's own ones too: it attaches the video afresh, and a browser pauses what has an
 * error or gets another source. Who has paused it stays where they are.
 */
function playAfterRecoveries(engine, video) {
  let wantsPlay = true;
  let attached = false;
  const listening = new AbortController();
  const { signal } = listening;
  video.addEventListener('play', () => (wantsPlay = true), { signal });
  video.addEventListener('pause', () => (wantsPlay = !video.paused || video.error !== null), { signal });
  engine.on(Hls.Events.MEDIA_ATTACHED, () => {
    if (attached && wantsPlay) {
      video.play().catch(() => undefined);
    }
    attached = true;
  });
  engine.once(Hls.Events.DESTROYING, () => listening.abort());
}

/** A live playlist does not say that its stream is over: it just gets no longer. */
const STALLED_MS = 6000;

/**
 * Tells the listener once that nothing more comes, when what has begun to play stands still.
 *
 * @returns {() => void} ends the watch
 */
function watchForEnd(video, listener) {
  let last = video.currentTime;
  let since = performance.now();
  let begun = false;
  const check = () => {
    const now = performance.now();
    const moved = video.currentTime !== last;
    begun ||= moved && !video.paused;
    if (moved || video.paused || !begun) {
      last = video.currentTime;
      since = now;
    }
    if (video.ended || now - since >= STALLED_MS) {
      clearInterval(timer);
      listener.end('ended', 'The stream has ended', 'It starts again by itself when its publisher is back.');
    }
  };
  const timer = setInterval(check, 500);
  return () => clearInterval(timer);
}

/** Safari on phones has no Media Source Extensions, and plays HLS by itself. */
function playNatively(video, url, listener) {
  if (video.canPlayType('application/vnd.apple.mpegurl') === '') {
    listener.end('unsupported', 'This browser cannot play HLS', 'Copy the RTMP address into VLC instead.');
    return { destroy() {} };
  }
  const onError = () => listener.end(...networkFailure(0));
  video.addEventListener('error', onError);
  video.src = url;
  const stopWatch = watchForEnd(video, listener);
  return {
    destroy() {
      stopWatch();
      video.removeEventListener('error', onError);
      video.removeAttribute('src');
      video.load();
    },
  };
}

function flvFailure(type, detail, info) {
  if (type === mpegts.ErrorTypes.MEDIA_ERROR) {
    return detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED || /codec/i.test(info?.msg ?? '')
      ? [
          'unsupported',
          'This browser cannot decode the stream',
          'Try another browser, or VLC with its address.',
        ]
      : ['failed', 'The picture could not be decoded', info?.msg ?? ''];
  }
  return networkFailure(info?.code ?? 0);
}

/** @param {number} status of the HTTP answer; 0 when there was none */
function networkFailure(status) {
  if (status === 404) {
    return ['ended', 'Not live right now', 'It starts by itself as soon as someone publishes it.'];
  }
  return [
    'failed',
    'The connection was lost',
    status > 0 ? `The server answered ${status}.` : 'It is tried again while the stream is live.',
  ];
}

const loading = new Map();

/** Loads a script once; one that failed is tried again. */
function loadScript(src) {
  let script = loading.get(src);
  if (script === undefined) {
    script = new Promise((resolve, reject) => {
      const element = document.createElement('script');
      element.src = src;
      element.addEventListener('load', () => resolve());
      element.addEventListener('error', () => {
        element.remove();
        loading.delete(src);
        reject(new Error(`${src} could not be loaded`));
      });
      document.head.append(element);
    });
    loading.set(src, script);
  }
  return script;
}
