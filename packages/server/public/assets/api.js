const POLL_MS = 2000;
const TIMEOUT_MS = 5000;

/** So many streams are asked for again and again; of more, those that a search finds. */
const LIST_SIZE = 200;

/**
 * What the page needs to know of its server, once. `base` is the address of the server's root, which may be below a
 * path behind a proxy; `flvMount` and `hlsMount` are absent where the server has no such form.
 *
 * @param {string | undefined} elsewhere - address of another server
 */
export async function readFacts(elsewhere) {
  const address =
    elsewhere === undefined ? new URL('page.json', import.meta.url).href : `${elsewhere}assets/page.json`;
  const defaults = { version: '', rtmpPort: 1935, listsStreams: true, root: '../' };
  const facts = await readJson(address).catch(
    // Another server of this kind may not serve the page: a good guess.
    () => ({ flvMount: '[vhost]/[app]/[stream].flv' }),
  );
  return { ...defaults, ...facts, base: new URL(facts.root ?? defaults.root, address).href };
}

/**
 * Asks for the live streams again and again, while the page can be seen. A server that does not list them is asked once.
 *
 * @param {string} base
 * @param {{onStreams(streams: object[], more: boolean): void, onFailure(error: Error): void, onUnlisted(): void}} listener
 */
export function pollStreams(base, { onStreams, onFailure, onUnlisted }) {
  let timer = 0;
  let unlisted = false;
  async function ask() {
    try {
      const streams = await readStreams(base, 0, LIST_SIZE);
      onStreams(streams.filter(isLive), streams.length === LIST_SIZE);
    } catch (error) {
      unlisted = [401, 403, 404].includes(error.status);
      if (unlisted) {
        onUnlisted();
      } else {
        onFailure(error);
      }
    }
    clearTimeout(timer);
    if (!document.hidden && !unlisted) {
      timer = setTimeout(ask, POLL_MS);
    }
  }
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (!document.hidden && !unlisted) {
      ask();
    }
  });
  ask();
}

/**
 * Asks the server for the live streams whose names contain a text, also beyond those that {@link pollStreams} lists.
 *
 * @param {string} base
 * @param {string} text
 */
export async function searchStreams(base, text) {
  const streams = await readStreams(base, 0, LIST_SIZE, text);
  return { streams: streams.filter(isLive), more: streams.length === LIST_SIZE };
}

async function readStreams(base, start, count, text = '') {
  const search = text === '' ? '' : `&search=${encodeURIComponent(text)}`;
  const answer = await readJson(`${base}api/v1/streams?start=${start}&count=${count}${search}`);
  if (answer.code !== 0) {
    throw new Error(`the server answered code ${answer.code}`);
  }
  return answer.streams;
}

function isLive(stream) {
  return stream.publish.active;
}

async function readJson(url) {
  const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) {
    throw Object.assign(new Error(`the server answered ${response.status}`), { status: response.status });
  }
  return response.json();
}
