import { type MediaMessage, RtmpError } from '@sluice/rtmp';
import { connectRtmp, type RtmpClientOptions, type RtmpClientConnection } from '@sluice/rtmp/node';

import { background } from '../../background.ts';
import { unlessAborted } from '../../relay/ingest/index.ts';

/** How a stream is watched; only `timeoutMs` has no default. */
export interface WatchOptions {
  /** ms for each step of the connection, and that may pass without a message. */
  readonly timeoutMs: number;
  /** Ends the iteration soon after it is aborted. */
  readonly signal?: AbortSignal;
  /** What else the client tells the server. */
  readonly client?: RtmpClientOptions;
  /** Told when the server has accepted the connection, and then the play. */
  readonly onStep?: (step: 'connected' | 'playing') => void;
}

/**
 * Plays a stream until the server ends it, the signal is aborted, or the loop is left; the connection is closed
 * then.
 *
 * @throws RtmpError from the iteration; `timeout` when no message comes for the time limit
 */
export async function* watchStream(
  url: string,
  options: WatchOptions,
): AsyncGenerator<MediaMessage, void, void> {
  const { timeoutMs, signal, onStep } = options;
  const pending = connectRtmp(url, { ...options.client, timeoutMs });
  const connection = await unlessAborted(pending, signal);
  if (connection === undefined) {
    background(
      'closing a late connection',
      pending.then(close, () => undefined),
    );
    return;
  }
  onStep?.('connected');
  const state = { waiting: true, silent: false };
  const leave = (): void => {
    background('closing a connection', close(connection));
  };
  const timer = setTimeout(() => {
    // While the consumer has something to do, the server is not to blame.
    state.silent = state.waiting;
    if (state.silent) leave();
    else timer.refresh();
  }, timeoutMs);
  signal?.addEventListener('abort', leave);
  try {
    const player = await connection.play();
    timer.refresh();
    onStep?.('playing');
    for await (const message of player) {
      state.waiting = false;
      yield message;
      state.waiting = true;
      timer.refresh();
    }
  } catch (error) {
    // Whoever stops us does not want to hear what that broke.
    if (signal?.aborted !== true && !state.silent) throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
    await close(connection);
  }
  if (state.silent && signal?.aborted !== true) {
    throw new RtmpError('timeout', `the server sent nothing for ${timeoutMs} ms`);
  }
}

async function close(connection: RtmpClientConnection): Promise<void> {
  connection.session.stop();
  await connection.close();
}
