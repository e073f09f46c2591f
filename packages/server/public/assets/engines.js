/**
 * What plays a stream in a video element: mpegts.js for FLV, hls.js (or the browser itself) for HLS. Both libraries
 * are classic scripts that make one global, loaded when the first stream plays.
 *
 * An engine tells its listener `media({width, height})` when it knows the picture, and `end(state, title, text)`
 * once, when nothing more comes; `destroy()` frees what it holds.
 */

/**
 * @param {HTMLVideoElement} video
 * @param {string} url http(s): or ws(s): address of an FLV stream
 */
export async function playFlv(video, url, listener) {
  await loadScript('/assets/mpegts.js');
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
  engine.on(mpegts.Events.MEDIA_INFO, (info) => listener.media(info));
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
  await loadScript('/assets/hls.js');
  if (!Hls.isSupported()) {
    return playNatively(video, url, listener);
  }
  const engine = new Hls({ liveDurationInfinity: true });
  engine.on(Hls.Events.ERROR, (_event, { fatal, type, details, response }) => {
    if (!fatal) {
      return;
    }
    if (type === Hls.ErrorTypes.MEDIA_ERROR) {
      listener.end('unsupported', 'This browser cannot decode the stream', details);
    } else {
      listener.end(...networkFailure(response?.code ?? 0));
    }
  });
  engine.loadSource(url);
  engine.attachMedia(video);
  return engine;
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
  return {
    destroy() {
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
