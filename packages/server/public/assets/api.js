const POLL_MS = 2000;
const TIMEOUT_MS = 5000;

/**
 * What the page needs to know of its server, once.
 *
 * @param {string} origin
 */
export async function readFacts(origin) {
  const defaults = { version: '', rtmpPort: 1935, flvMount: '[vhost]/[app]/[stream].flv' };
  try {
    return { ...defaults, ...(await readJson(`${origin}/assets/page.json`)) };
  } catch {
    // Another server of this kind may not serve the page; its defaults are a good guess.
    return defaults;
  }
}

/**
 * Asks for the live streams again and again, while the page can be seen.
 *
 * @param {string} origin
 * @param {{onStreams(streams: object[]): void, onFailure(error: Error): void}} listener
 */
export function pollStreams(origin, { onStreams, onFailure }) {
  let timer = 0;
  async function ask() {
    try {
      const answer = await readJson(`${origin}/api/v1/streams?count=200`);
      if (answer.code !== 0) {
        throw new Error(`the server answered code ${answer.code}`);
      }
      onStreams(answer.streams.filter((stream) => stream.publish.active));
    } catch (error) {
      onFailure(error);
    }
    clearTimeout(timer);
    if (!document.hidden) {
      timer = setTimeout(ask, POLL_MS);
    }
  }
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (!document.hidden) {
      ask();
    }
  });
  ask();
}

async function readJson(url) {
  const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) {
    throw new Error(`the server answered ${response.status}`);
  }
  return response.json();
}
