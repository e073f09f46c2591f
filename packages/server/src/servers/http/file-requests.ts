import { errorOf } from '../../error-text.ts';
import { sendText } from './answer-head.ts';
import type { Exchange, HeaderList } from './answer-head.ts';
import type { FileDoor, OpenedFile } from './file-door.ts';
import type { FileGuard, GuardedFile } from './file-guard.ts';
import type { FilePlaces } from './file-places.ts';
import { FileSender } from './file-sender.ts';
import type { FileSendOptions, SentListener } from './file-sender.ts';
import type { MemorySender } from './memory-sender.ts';
import { playerPageAnswer } from './player-page.ts';
import type { TrustedPeers } from './peers.ts';
import type { PlayerPageFacts } from './player-page.ts';
import { directoryReference } from './request-target.ts';
import type { RequestTarget } from './request-target.ts';
import { findFile } from './static-files.ts';
import type { StaticMatch, StaticMounts } from './static-mounts.ts';
import { VirtualFileRequest } from './virtual-files.ts';
import type { VirtualAnswer, VirtualFiles } from './virtual-files.ts';

/** What {@link FileRequests} is made of. */
export interface FileRequestsOptions {
  readonly common: HeaderList;
  readonly memory: MemorySender;
  readonly virtualFiles: VirtualFiles | undefined;
  readonly peers: TrustedPeers;
  readonly fileGuard: FileGuard | undefined;
  readonly fileDoor: FileDoor | undefined;
  readonly filePlaces: FilePlaces;
  readonly staticMounts: StaticMounts;
  /** Absolute. */
  readonly root: string | undefined;
  readonly playerPage: PlayerPageFacts | undefined;
  readonly onError: ((error: Error) => void) | undefined;
}

/** Answers the requests for files: those in memory, those of the directories, the built-in page. */
export class FileRequests {
  readonly #options: FileRequestsOptions;
  readonly #disk: FileSender;

  constructor(options: FileRequestsOptions) {
    this.#options = options;
    this.#disk = new FileSender(options.common, options.filePlaces);
  }

  /** Where in the directories the file of a request is, if it is there; undefined without any directory. */
  locate(target: RequestTarget): StaticMatch | undefined {
    const { root, staticMounts } = this.#options;
    const mounted = staticMounts.match(target.host, target.filePath);
    if (mounted !== undefined || root === undefined) {
      return mounted;
    }
    return { kind: 'file', dir: root, path: target.filePath };
  }

  /** Answers when the request is for a virtual file; else false, and nothing is done. */
  tryVirtual(exchange: Exchange, target: RequestTarget, place: StaticMatch | undefined): boolean {
    const { virtualFiles } = this.#options;
    if (virtualFiles === undefined) {
      return false;
    }
    const answer = virtualFiles.find(
      new VirtualFileRequest(exchange.request, { target, file: fileOf(place), peers: this.#options.peers }),
    );
    if (answer === undefined) {
      return false;
    }
    this.#answer(exchange, target, place, answer);
    return true;
  }

  #answer(
    exchange: Exchange,
    target: RequestTarget,
    place: StaticMatch | undefined,
    answer: VirtualAnswer,
  ): void {
    const { common, memory } = this.#options;
    if ('pending' in answer) {
      const answered = answer.pending.then((later) => {
        this.#answer(exchange, target, place, later);
      });
      this.#guard(exchange, answered);
    } else if ('refused' in answer) {
      sendText(exchange, answer.refused, common);
    } else if ('onDisk' in answer) {
      this.serve(exchange, target, place, answer.onDisk);
    } else {
      memory.send(exchange, answer);
    }
  }

  /**
   * Answers from the directories and the built-in page, or with 404.
   *
   * @param listener - told how many bytes of a file were read for the response
   */
  serve(
    exchange: Exchange,
    target: RequestTarget,
    place: StaticMatch | undefined,
    listener?: SentListener,
  ): void {
    this.#guard(exchange, this.#serve(exchange, target, place, listener));
  }

  /** Answers when there is a file of that name, or one that may not be served; else the other does. */
  serveOr(
    exchange: Exchange,
    target: RequestTarget,
    place: StaticMatch | undefined,
    other: () => void,
  ): void {
    this.#guard(exchange, this.#serveOr(exchange, target, place, other));
  }

  async #serveOr(
    exchange: Exchange,
    target: RequestTarget,
    place: StaticMatch | undefined,
    other: () => void,
  ): Promise<void> {
    const found = place?.kind === 'file' ? await findFile(place.dir, place.path) : undefined;
    if (found?.kind === 'file' && found.below === '') {
      await this.#serveGuarded(exchange, target, found, undefined);
    } else if (found?.kind === 'barred') {
      sendText(exchange, 404, this.#options.common);
    } else {
      other();
    }
  }

  #guard(exchange: Exchange, work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#options.onError?.(errorOf(error));
      if (exchange.response.headersSent) {
        exchange.response.destroy();
      } else {
        sendText(exchange, 500, this.#options.common);
      }
    });
  }

  async #serve(
    exchange: Exchange,
    target: RequestTarget,
    place: StaticMatch | undefined,
    listener: SentListener | undefined,
  ): Promise<void> {
    if (place?.kind === 'redirect') {
      this.#redirectToDirectory(exchange, target);
      return;
    }
    const found = place === undefined ? undefined : await findFile(place.dir, place.path);
    if (found?.kind === 'directory') {
      this.#redirectToDirectory(exchange, target);
    } else if (found?.kind === 'file') {
      await this.#serveGuarded(exchange, target, found, listener);
    } else {
      await this.#servePage(exchange, target, place);
    }
  }

  /** Every file of the directories is sent by this way, whatever its name and whatever is made of it. */
  async #serveGuarded(
    exchange: Exchange,
    target: RequestTarget,
    file: OpenedFile & GuardedFile,
    listener: SentListener | undefined,
  ): Promise<void> {
    await this.#withPlace(exchange, () => this.#serveAllowed(exchange, target, file, listener));
  }

  async #withPlace(exchange: Exchange, serve: () => Promise<void>): Promise<void> {
    const { common, filePlaces } = this.#options;
    if (!filePlaces.takeFile()) {
      sendText(exchange, 503, common);
      return;
    }
    try {
      await serve();
    } finally {
      filePlaces.releaseFile();
    }
  }

  async #serveAllowed(
    exchange: Exchange,
    target: RequestTarget,
    file: OpenedFile & GuardedFile,
    listener: SentListener | undefined,
  ): Promise<void> {
    const { fileGuard } = this.#options;
    let answer = await fileGuard?.check(
      file,
      new VirtualFileRequest(exchange.request, { target, file: file.path, peers: this.#options.peers }),
    );
    while (answer !== undefined && 'pending' in answer) answer = await answer.pending;
    if (answer === undefined || 'onDisk' in answer) {
      await this.#serveFile(exchange, target, file, answer?.onDisk ?? listener);
    } else if (file.below !== '' && !('refused' in answer)) {
      // The answer is for the file, and not for a name below it.
      sendText(exchange, 404, this.#options.common);
    } else {
      this.#answer(exchange, target, undefined, answer);
    }
  }

  async #serveFile(
    exchange: Exchange,
    target: RequestTarget,
    file: OpenedFile,
    listener: SentListener | undefined,
  ): Promise<void> {
    const { common, fileDoor, memory } = this.#options;
    const { query, rawPath, search } = target;
    const { headers } = exchange.request;
    const answer = await fileDoor?.open(file, { query, rawPath, search, headers });
    switch (answer?.kind) {
      case undefined:
        if (file.below === '') {
          await this.#disk.send(exchange, file.path, { listener });
        } else {
          sendText(exchange, 404, common);
        }
        return;
      case 'made':
        memory.send(exchange, answer.file);
        return;
      case 'refused':
        sendText(exchange, answer.status, common, answer.text);
        return;
      case 'range':
      case 'spliced':
        await this.#disk.send(exchange, file.path, answer satisfies FileSendOptions);
    }
  }

  async #servePage(exchange: Exchange, target: RequestTarget, place: StaticMatch | undefined): Promise<void> {
    const { common, playerPage } = this.#options;
    const answer = playerPage === undefined ? undefined : playerPageAnswer(target);
    switch (answer?.kind) {
      case undefined:
        sendText(exchange, 404, common, this.#absence(exchange, target, place));
        return;
      case 'redirect':
        sendText(exchange, 301, [...common, 'Location', answer.location]);
        return;
      case 'facts':
        this.#sendFacts(exchange, { ...playerPage, root: answer.root });
        return;
      case 'file':
        await this.#withPlace(exchange, () =>
          this.#disk.send(exchange, answer.path, { headers: answer.headers }),
        );
    }
  }

  #absence({ request }: Exchange, target: RequestTarget, place: StaticMatch | undefined) {
    const { peers, virtualFiles } = this.#options;
    return virtualFiles?.absence?.(new VirtualFileRequest(request, { target, file: fileOf(place), peers }));
  }

  #sendFacts({ request, response }: Exchange, facts: object): void {
    const body = JSON.stringify(facts);
    response.writeHead(200, [
      ...this.#options.common,
      ...['Content-Type', 'application/json; charset=utf-8', 'Cache-Control', 'no-cache'],
      ...['Content-Length', String(Buffer.byteLength(body))],
    ]);
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #redirectToDirectory(exchange: Exchange, target: RequestTarget): void {
    sendText(exchange, 301, [...this.#options.common, 'Location', directoryReference(target)]);
  }
}

/** The absolute path that the directories have for a request. */
function fileOf(place: StaticMatch | undefined): string | undefined {
  return place?.kind === 'file' ? place.dir + place.path : undefined;
}
