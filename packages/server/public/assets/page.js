import {
  flvUrl,
  hlsUrl,
  pageUrl,
  publishAddresses,
  readParameters,
  shownBase,
  streamAddresses,
  vhostOf,
} from './address.js';
import { pollStreams, readFacts, searchStreams } from './api.js';
import { codecNote } from './codecs.js';
import { audioText, bitrateText, durationText, sizeText, videoText } from './format.js';
import { listenToKeys } from './keys.js';
import { AudioLevel } from './level.js';
import { LivePlayer } from './player.js';
import { chosenTransport, offerTransports } from './transports.js';
import { StreamList, element, setText, showCopies } from './view.js';

const RETRY_MS = [1000, 2000, 4000, 8000];

/** From so many streams on there is a search. */
const SEARCH_FROM = 12;
const SEARCH_DELAY_MS = 250;

const parameters = readParameters(new URL(window.location.href));
const facts = await readFacts(parameters.elsewhere);
const server = { ...facts, ...parameters };
/** The server as others reach it. */
const shown = { ...server, base: shownBase(server) };
const player = new LivePlayer(element('video'));
const level = new AudioLevel(element('video'), element('level'));
const list = new StreamList((stream) => {
  choose(stream);
  playFocused();
});

const page = {
  searchTimer: 0,
  /** By key, as the server told last. */
  streams: new Map(),
  chosen: undefined,
  reachable: undefined,
  /** The server lists its streams. */
  listed: facts.listsStreams,
  /** There are more streams than the list has. */
  more: false,
  /** What a search has found; undefined when nothing is looked for. */
  found: undefined,
  /** The player gets the focus as soon as it can be seen. */
  wantsFocus: false,
  /** The viewer wants to watch: an interrupted stream starts again by itself. */
  wanted: false,
  /** It starts once the server has its first segment of HLS. */
  waitsForHls: false,
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

/** The viewer has asked to play: the keys are for the player from now on. */
function playFocused() {
  page.wantsFocus = true;
  element('screen').focus({ preventScroll: true });
  play();
}

function play() {
  clearTimeout(page.retryTimer);
  const transport = chosenTransport();
  if (transport === undefined) return;
  page.wanted = true;
  page.waitsForHls = transport === 'hls' && page.chosen.live === true && page.chosen.hls_ready === false;
  if (page.waitsForHls) {
    // Its address answers 404 until then.
    player.hold('HLS begins soon', 'It starts by itself with its first whole segment.');
    return;
  }
  const url =
    transport === 'hls' ? hlsUrl(server, page.chosen) : flvUrl({ ...server, transport }, page.chosen);
  player.play(url, transport === 'hls' ? 'hls' : 'flv');
}

function stop() {
  clearTimeout(page.retryTimer);
  page.wanted = false;
  page.waitsForHls = false;
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

function known(stream) {
  const vhost = vhostOf(stream);
  const named = { ...stream, vhost, players: Math.max(0, stream.clients - 1) };
  return { ...named, key: keyOf(named) };
}

function onStreams(streams, more) {
  page.receivedAt = performance.now();
  page.reachable = true;
  page.more = more;
  page.streams = new Map(streams.map(known).map((stream) => [stream.key, stream]));
  if (more && page.chosen !== undefined && !page.streams.has(page.chosen.key)) {
    lookForChosen(page.chosen);
  }
  takeStreams();
}

/** The chosen stream may be beyond those that are listed. */
async function lookForChosen({ key, app, name }) {
  const { streams } = await searchStreams(server.base, `/${app}/${name}`).catch(() => ({ streams: [] }));
  page.beyond = streams.map(known).find((stream) => stream.key === key);
}

function takeStreams() {
  if (page.beyond !== undefined && page.more) {
    page.streams.set(page.beyond.key, page.beyond);
  }
  if (page.chosen !== undefined) {
    const before = page.chosen.live;
    page.chosen = page.streams.get(page.chosen.key) ?? { ...page.chosen, live: false, publish: undefined };
    page.chosen.live = page.streams.has(page.chosen.key);
    if (page.chosen.live && before === false) {
      page.retries = 0;
      retryLater();
    }
    if (page.waitsForHls && page.chosen.hls_ready) {
      play();
    }
  } else if (page.streams.size > 0) {
    page.chosen = page.streams.values().next().value;
    page.chosen.live = true;
  }
  show();
}

async function find() {
  const words = element('search').value.trim().toLowerCase();
  if (words === '') {
    page.found = undefined;
    show();
    return;
  }
  let found;
  try {
    const { streams, more } = await searchStreams(server.base, words);
    found = { streams: streams.map((stream) => ({ ...known(stream), live: true })), more };
  } catch {
    const matches = ({ url }) => url.toLowerCase().includes(words);
    found = { streams: [...page.streams.values()].filter(matches), more: page.more };
  }
  // Another text may be looked for by now.
  if (element('search').value.trim().toLowerCase() !== words) return;
  page.found = found;
  setText(element('announce'), `${found.streams.length}${found.more ? ' or more' : ''} found`);
  show();
}

/** The server keeps its list to itself: what is played is what the page's address names. */
function onUnlisted() {
  page.listed = false;
  page.reachable = true;
  show();
}

function onFailure() {
  page.reachable = false;
  show();
}

function show() {
  showServer();
  showList();
  // The list comes first as soon as it is of use.
  element('layout').dataset.empty = String(page.chosen === undefined && page.listed);
  showVeil();
  showNow();
}

function showList() {
  const streams = page.found?.streams ?? [...page.streams.values()];
  list.show(streams, page.chosen?.key, page.found?.more ?? page.more);
  element('search-row').hidden = !page.listed || (page.streams.size < SEARCH_FROM && !page.found);
  setText(
    element('none'),
    page.found
      ? 'No live stream has this in its name.'
      : page.listed
        ? 'No one is publishing. A stream appears here as soon as it starts.'
        : 'This server does not list its streams. Open one by its name:',
  );
  element('open-row').hidden = page.listed;
  setText(element('streams-title'), page.listed ? 'Live now' : 'Watch');
  element('count').hidden = !page.listed;
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

const message = { title: '', text: '' };

function veilWords() {
  if (page.chosen === undefined) {
    if (page.reachable === undefined) {
      return { title: 'Looking for live streams…', text: '' };
    }
    if (!page.listed) {
      return { title: 'Which stream?', text: 'This server does not list its streams. Name one to play it.' };
    }
    return page.reachable
      ? { title: 'Nothing is live yet', text: 'Publish a stream and it shows up here by itself.' }
      : { title: 'The server does not answer', text: 'This page goes on trying. Is Sluice running?' };
  }
  if (chosenTransport() === undefined) {
    return {
      title: 'No form for browsers',
      text: 'This server has neither http_remux nor hls enabled. VLC and ffplay play the RTMP address below.',
    };
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
      return message;
    case 'unsupported':
      return message;
    default:
      return { ...message, action: 'Try again' };
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
  element('video').setAttribute('aria-label', `Live stream ${stream.name}`);
  setText(element('audio-name'), stream.name);
  const note = codecNote(stream.video ?? null, server.hlsMount !== undefined);
  element('codec-note').hidden = note === '';
  setText(element('codec-note'), note);
  const faults = (stream.faults ?? []).map(({ message }) => `${message}.`).join(' ');
  element('fault-note').hidden = faults === '';
  setText(element('fault-note'), faults);
  showAudioOnly();
  setText(element('fact-video'), videoText(stream.video ?? null));
  setText(element('fact-size'), sizeText(stream.video?.width ? stream.video : pictureSize()));
  setText(element('fact-audio'), audioText(stream.audio ?? null));
  setText(element('fact-bitrate'), bitrateText(stream.live ? (stream.kbps?.recv_30s ?? 0) : 0));
  setText(element('fact-players'), stream.live ? stream.players.toLocaleString('en') : '–');
  showClock();
  showCopies(element('addresses'), streamAddresses(server, shown, stream));
}

function pictureSize() {
  const { media } = player;
  return media?.width > 0 ? { width: media.width, height: media.height } : null;
}

/** A stream without a picture has a poster of its own. */
function showAudioOnly() {
  const { media, state } = player;
  const audioOnly =
    media?.audioOnly ?? (page.chosen?.video === null && (page.chosen?.audio ?? null) !== null);
  const visible = state === 'playing' && audioOnly;
  element('audio-poster').hidden = !visible;
  if (visible) {
    level.start();
  } else {
    level.stop();
  }
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
  const { obs, ffmpeg } = publishAddresses(server, parameters);
  showCopies(element('publish-obs'), obs);
  showCopies(element('publish-ffmpeg'), ffmpeg);
}

player.addEventListener('state', ({ detail }) => {
  message.title = detail.title;
  // Without a list nothing says when the stream is back.
  message.text = detail.state === 'ended' && !page.listed ? 'Try again once it is published.' : detail.text;
  if (detail.state === 'playing') {
    page.retries = 0;
  }
  element('stop').disabled = ['idle', 'unsupported'].includes(detail.state);
  element('video').tabIndex = detail.state === 'playing' ? 0 : -1;
  showVeil();
  showAudioOnly();
  if (page.wantsFocus && detail.state === 'playing') {
    page.wantsFocus = false;
    // Who has gone on to something else meanwhile stays there.
    if ([null, document.body, element('screen')].includes(document.activeElement)) {
      element('video').focus({ preventScroll: true });
    }
  }
  showClock();
  retryLater();
});
player.addEventListener('sound', () => {
  element('unmute').hidden = !element('video').muted;
});
player.addEventListener('media', show);
listenToKeys(player, element('video'), element('screen'));
element('veil-action').addEventListener('click', playFocused);
element('stop').addEventListener('click', stop);
element('live-edge').addEventListener('click', () => player.goLive());
element('unmute').addEventListener('click', () => {
  element('video').muted = false;
});
element('search').addEventListener('input', () => {
  clearTimeout(page.searchTimer);
  page.searchTimer = setTimeout(find, SEARCH_DELAY_MS);
});
element('open-row').addEventListener('submit', (event) => {
  event.preventDefault();
  const [name, ...app] = element('open-name').value.trim().split('/').reverse();
  if (name === '') return;
  const asked = { vhost: parameters.vhost, app: app.reverse().join('/') || parameters.app, name };
  choose({ ...asked, key: keyOf(asked), video: null, players: 0 });
  playFocused();
});
offerTransports(server, () => {
  if (page.wanted) {
    play();
  }
});

showPublish();
if (parameters.stream !== '') {
  const asked = { vhost: parameters.vhost, app: parameters.app, name: parameters.stream };
  page.chosen = { ...asked, key: keyOf(asked), video: null, players: 0 };
  show();
  if (parameters.autostart) {
    play();
  }
}
if (facts.listsStreams) {
  pollStreams(server.base, { onStreams, onFailure, onUnlisted });
} else {
  onUnlisted();
}
setInterval(showClock, 500);
