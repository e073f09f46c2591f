import { flvUrl, hlsUrl, pageUrl, readParameters, rtmpAppUrl, rtmpUrl, vhostOf } from './address.js';
import { pollStreams, readFacts } from './api.js';
import { audioText, bitrateText, durationText, sizeText, videoText } from './format.js';
import { LivePlayer } from './player.js';
import { StreamList, element, setText, showCopies } from './view.js';

const RETRY_MS = [1000, 2000, 4000, 8000];

const parameters = readParameters(new URL(window.location.href));
const facts = await readFacts(parameters.origin);
const server = { ...facts, ...parameters };
const player = new LivePlayer(element('video'));
const list = new StreamList((stream) => {
  choose(stream);
  play();
});

const page = {
  /** By key, as the server told last. */
  streams: new Map(),
  chosen: undefined,
  reachable: undefined,
  /** The viewer wants to watch: an interrupted stream starts again by itself. */
  wanted: false,
  retries: 0,
  retryTimer: 0,
  receivedAt: 0,
};

function keyOf({ vhost, app, name }) {
  return JSON.stringify([vhost, app, name]);
}

function choose(stream) {
  if (page.chosen?.key !== stream.key) {
    player.stop();
  }
  page.chosen = stream;
  page.retries = 0;
  history.replaceState(null, '', pageUrl(new URL(window.location.href), stream));
  show();
}

function play() {
  clearTimeout(page.retryTimer);
  page.wanted = true;
  const transport = document.querySelector('input[name=transport]:checked').value;
  const url =
    transport === 'hls' ? hlsUrl(server, page.chosen) : flvUrl({ ...server, transport }, page.chosen);
  player.play(url, transport === 'hls' ? 'hls' : 'flv');
}

function stop() {
  clearTimeout(page.retryTimer);
  page.wanted = false;
  player.stop();
  element('veil-action').focus();
}

function retryLater() {
  const live = page.streams.has(page.chosen?.key);
  if (page.wanted && live && (player.state === 'failed' || player.state === 'ended')) {
    clearTimeout(page.retryTimer);
    page.retryTimer = setTimeout(play, RETRY_MS[Math.min(page.retries, RETRY_MS.length - 1)]);
    page.retries += 1;
  }
}

function onStreams(streams) {
  page.receivedAt = performance.now();
  page.reachable = true;
  page.streams = new Map();
  for (const stream of streams) {
    const vhost = vhostOf(stream);
    const known = { ...stream, vhost, players: Math.max(0, stream.clients - 1) };
    known.key = keyOf(known);
    page.streams.set(known.key, known);
  }
  if (page.chosen !== undefined) {
    const before = page.chosen.live;
    page.chosen = page.streams.get(page.chosen.key) ?? { ...page.chosen, live: false, publish: undefined };
    page.chosen.live = page.streams.has(page.chosen.key);
    if (page.chosen.live && before === false) {
      page.retries = 0;
      retryLater();
    }
  } else if (streams.length > 0) {
    page.chosen = page.streams.values().next().value;
    page.chosen.live = true;
  }
  show();
}

function onFailure() {
  page.reachable = false;
  show();
}

function show() {
  showServer();
  list.show([...page.streams.values()], page.chosen?.key);
  element('layout').dataset.empty = String(page.chosen === undefined);
  showVeil();
  showNow();
}

function showServer() {
  const state = page.reachable === undefined ? 'connecting' : page.reachable ? 'up' : 'down';
  element('server').dataset.state = state;
  const name = facts.version === '' ? server.host : `${server.host} · ${facts.version}`;
  setText(
    element('server-text'),
    { connecting: 'Connecting…', up: name, down: 'Server not reachable, trying again' }[state],
  );
}

function showVeil(detail) {
  const words = detail ?? veilWords();
  element('screen').dataset.state = page.chosen === undefined ? 'empty' : player.state;
  setText(element('veil-title'), words.title);
  setText(element('veil-text'), words.text);
  const action = element('veil-action');
  action.hidden = words.action === undefined;
  setText(element('veil-action-text'), words.action ?? '');
}

const shown = { title: '', text: '' };

function veilWords() {
  if (page.chosen === undefined) {
    if (page.reachable === undefined) {
      return { title: 'Looking for live streams…', text: '' };
    }
    return page.reachable
      ? { title: 'Nothing is live yet', text: 'Publish a stream and it shows up here by itself.' }
      : { title: 'The server does not answer', text: 'This page goes on trying. Is Sluice running?' };
  }
  switch (player.state) {
    case 'idle':
      return page.chosen.live === false
        ? { title: 'Not live right now', text: 'Play it anyway to wait for it.', action: 'Play' }
        : { title: page.chosen.name, text: '', action: 'Play' };
    case 'loading':
      return { title: 'Loading…', text: '' };
    case 'waiting':
    case 'playing':
      return shown;
    case 'unsupported':
      return shown;
    default:
      return { ...shown, action: 'Try again' };
  }
}

function showNow() {
  const stream = page.chosen;
  element('now').hidden = stream === undefined;
  if (stream === undefined) {
    return;
  }
  setText(element('now-title'), stream.name);
  setText(element('now-place'), stream.vhost === '' ? stream.app : `${stream.app} · ${stream.vhost}`);
  document.title = `${stream.name} · Sluice`;
  setText(element('fact-video'), videoText(stream.video ?? null));
  setText(element('fact-size'), sizeText(stream.video ?? pictureSize()));
  setText(element('fact-audio'), audioText(stream.audio ?? null));
  setText(element('fact-bitrate'), bitrateText(stream.live ? (stream.kbps?.recv_30s ?? 0) : 0));
  setText(element('fact-players'), stream.live ? stream.players.toLocaleString('en') : '–');
  showClock();
  showCopies(element('addresses'), [
    { label: 'RTMP', value: rtmpUrl(server, stream) },
    { label: 'HTTP-FLV', value: flvUrl({ ...server, transport: 'http' }, stream) },
    { label: 'WebSocket-FLV', value: flvUrl({ ...server, transport: 'websocket' }, stream) },
    ...(server.hlsMount === undefined ? [] : [{ label: 'HLS', value: hlsUrl(server, stream) }]),
  ]);
}

function pictureSize() {
  const { media } = player;
  return media?.width > 0 ? { width: media.width, height: media.height } : null;
}

/** The values that move between two answers of the server. */
function showClock() {
  const stream = page.chosen;
  const since = performance.now() - page.receivedAt;
  setText(
    element('fact-uptime'),
    stream?.live && stream.live_ms >= 0 ? durationText(stream.live_ms + since) : '–',
  );
  const buffer = player.bufferSeconds;
  setText(element('fact-buffer'), buffer === undefined ? '–' : `${buffer.toFixed(1)} s`);
  const dropped = player.droppedFrames;
  setText(element('fact-dropped'), dropped === undefined ? '–' : String(dropped));
  element('live-edge').disabled = buffer === undefined;
}

function showPublish() {
  const place = { vhost: parameters.vhost, app: parameters.app };
  const key = parameters.stream || 'livestream';
  const url = rtmpUrl(server, { ...place, name: key });
  showCopies(element('publish-obs'), [
    { label: 'Server', value: rtmpAppUrl(server, place) },
    { label: 'Stream key', value: key },
  ]);
  showCopies(element('publish-ffmpeg'), [
    { label: 'Command', value: `ffmpeg -re -i input.mp4 -c:v libx264 -c:a aac -f flv ${url}` },
  ]);
}

player.addEventListener('state', ({ detail }) => {
  shown.title = detail.title;
  shown.text = detail.text;
  if (detail.state === 'playing') {
    page.retries = 0;
  }
  element('stop').disabled = ['idle', 'unsupported'].includes(detail.state);
  element('video').tabIndex = detail.state === 'playing' ? 0 : -1;
  showVeil();
  showClock();
  retryLater();
});
player.addEventListener('sound', () => {
  element('unmute').hidden = !element('video').muted;
});
element('veil-action').addEventListener('click', play);
element('stop').addEventListener('click', stop);
element('live-edge').addEventListener('click', () => player.goLive());
element('unmute').addEventListener('click', () => {
  element('video').muted = false;
});
for (const input of document.querySelectorAll('input[name=transport]')) {
  input.addEventListener('change', () => {
    if (page.wanted) {
      play();
    }
  });
}

document.querySelector('input[name=transport][value=hls]').parentElement.hidden =
  server.hlsMount === undefined;

showPublish();
if (parameters.stream !== '') {
  const asked = { vhost: parameters.vhost, app: parameters.app, name: parameters.stream };
  page.chosen = { ...asked, key: keyOf(asked), video: null, audio: null, players: 0 };
  show();
  if (parameters.autostart) {
    play();
  }
}
pollStreams(parameters.origin, { onStreams, onFailure });
setInterval(showClock, 500);
