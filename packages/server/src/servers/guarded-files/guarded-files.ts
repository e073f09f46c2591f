import { open } from 'node:fs/promises';

import type { VhostConfig } from '../../config/index.ts';
import { type StreamId, streamKey } from '../../live/index.ts';
import { newSessionId, plainAddress } from '../../log/index.ts';
import { type ClientRequest, isGuardedByStream, pageUrlOf } from '../../security/index.ts';
import type { FileGuard, GuardedFile, VirtualAnswer, VirtualRequest } from '../http/index.ts';
import type { FilePlace, GuardedFilesContext } from './context.ts';
import { Grants } from './grants.ts';
import { DEFAULT_GUARDED_FILES_LIMITS, type GuardedFilesLimits } from './limits.ts';

/** A place whose stream is known, in a vhost that is on. */
type KnownPlace = Exclude<FilePlace, { kind: 'unknown' }> & { readonly vhost: VhostConfig };

const REFUSED: VirtualAnswer = { refused: 403 };
/** Sent as it is, to somebody who is not counted. */
const ALLOWED: VirtualAnswer = {
  onDisk: {
    sent: () => {
      // Nobody counts.
    },
  },
};

/**
 * Guards the files that streams leave on disk by the rules of their vhost, whatever address leads to them: HLS as what
 * is in memory, HDS and recordings as a play by the query of the request itself. Where a path does not tell whose it
 * is, nobody gets it.
 */
export class GuardedFiles implements FileGuard {
  readonly #context: GuardedFilesContext;
  readonly #limits: GuardedFilesLimits;
  readonly #grants: Grants;

  constructor(context: GuardedFilesContext, limits: Partial<GuardedFilesLimits> = {}) {
    this.#context = context;
    this.#limits = { ...DEFAULT_GUARDED_FILES_LIMITS, ...limits };
    this.#grants = new Grants(this.#limits, () => performance.now());
  }

  /** The configuration has changed: everyone is asked anew. */
  reconfigured(): void {
    this.#grants.clear();
  }

  async check(file: GuardedFile, request: VirtualRequest): Promise<VirtualAnswer | undefined> {
    const { hls, owners } = this.#context;
    if (await owners.isPrivate(file)) return { refused: 404 };
    const places = await owners.placesOf(file);
    if (places.length === 0) return undefined;
    // A link may lead to what is in memory under another path.
    for (const { path } of places) {
      const answer = hls.findFile(path, request);
      if (answer !== undefined) return answer;
    }
    const owner = places.map(({ path }) => hls.ownerOf(path)).find((stream) => stream !== undefined);
    const mayBe =
      owner === undefined
        ? places
        : places.filter((place) => isKnown(place) && streamKey(place.stream) === streamKey(owner));
    // The one that has written it lets everyone in.
    if (mayBe.length === 0) return undefined;
    const place = decisivePlace(mayBe);
    return place === undefined
      ? this.#refuse(file, request)
      : this.#answer(file, place, owner !== undefined, request);
  }

  #refuse(file: GuardedFile, request: VirtualRequest): VirtualAnswer {
    const ip = plainAddress(request.remoteAddress);
    this.#context.log.debug({ ip }, `refused: ${file.path} from ${ip}: its path does not tell its stream`);
    return REFUSED;
  }

  /** @param isOwned - the stream has written the file in this run, and looks after it */
  async #answer(
    file: GuardedFile,
    place: KnownPlace,
    isOwned: boolean,
    request: VirtualRequest,
  ): Promise<VirtualAnswer> {
    const { hls } = this.#context;
    const { kind, stream, vhost } = place;
    if (kind === 'playlist') {
      const playlist = await this.#readPlaylist(file, stream);
      return playlist === undefined ? { refused: 404 } : hls.stored(playlist, vhost, request);
    }
    if (kind === 'segment' || kind === 'key') {
      const answer = hls.storedSegment(stream, vhost, request);
      if (answer !== undefined) return answer;
      // Viewers of `hls_ts_ctx off` can't be told apart: what they are served is as open as it is in memory.
      if (isOwned) return ALLOWED;
    }
    return this.#ask(place, request);
  }

  async #readPlaylist({ path }: GuardedFile, stream: StreamId) {
    const file = await open(path, 'r').catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const { size, mtimeMs } = await file.stat();
      if (size > this.#limits.maxPlaylistBytes) return undefined;
      const text = await file.readFile('utf8');
      return { stream, text, version: `d${Math.floor(mtimeMs).toString(36)}-${size.toString(36)}` };
    } finally {
      await file.close();
    }
  }

  /** Asks as for a play: the token has to be in the query of this very request. */
  async #ask(
    { stream: { app, stream }, vhost }: KnownPlace,
    request: VirtualRequest,
  ): Promise<VirtualAnswer> {
    const { clients, log } = this.#context;
    const ip = plainAddress(request.remoteAddress);
    const pageUrl = pageUrlOf(request.headers);
    const who = `file of ${vhost.name}/${app}/${stream} from ${ip}`;
    const grant = JSON.stringify([ip, vhost.name, app, stream, request.search, pageUrl]);
    if (this.#grants.has(grant)) return ALLOWED;
    const tcUrl = `http://${request.headers.host ?? request.host}/${app}`;
    const client: ClientRequest = {
      id: newSessionId(),
      ...{ ip, vhost, app, stream, param: request.search, tcUrl, pageUrl },
    };
    const verdict = await clients.authorize('play', client);
    if (verdict !== undefined) {
      log.info({ ip }, `refused: ${verdict.reason} (${verdict.detail}), ${who}`);
      return REFUSED;
    }
    // A file has no end that could be told later.
    clients.dismiss(client);
    this.#grants.add(grant);
    return ALLOWED;
  }
}

/**
 * The place whose rules decide. Several streams that may have written the same file have to have the same rules:
 * those of one vhost that don't depend on the stream. Undefined where there is no such place.
 */
function decisivePlace(places: readonly FilePlace[]): KnownPlace | undefined {
  const [first] = places;
  if (first === undefined || !isKnown(first)) return undefined;
  const isSame = places.every(
    (place) =>
      isKnown(place) &&
      place.vhost === first.vhost &&
      (streamKey(place.stream) === streamKey(first.stream) || !isGuardedByStream(first.vhost)),
  );
  return isSame ? first : undefined;
}

function isKnown(place: FilePlace): place is KnownPlace {
  return place.kind !== 'unknown' && place.vhost !== undefined;
}
