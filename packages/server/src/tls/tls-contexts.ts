import { stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { errorText } from '../error-text.ts';
import { background } from '../background.ts';
import type { Log } from '../log/index.ts';
import {
  type Certificate,
  certificateFor,
  type CertificateFiles,
  loadCertificates,
  namesOf,
  type TlsProtocol,
} from './certificate.ts';

/** How often the files are looked at, ms. */
const WATCH_INTERVAL_MS = 2_000;
/** How long a peer may take for its handshake, ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A certificate that ends sooner than this, ms, is worth a warning. */
const SHORT_VALIDITY_MS = 7 * 24 * 3_600_000;

/** A TLS block of the configuration: `rtmps{}` or `https{}`. */
export interface TlsSettings extends CertificateFiles, TlsProtocol {
  readonly enabled: boolean;
}

/** How {@link TlsContexts} is made. */
export interface TlsContextsOptions {
  readonly log: Log;
  /** The block that it serves, for people: `http_server.https`. */
  readonly directive: string;
  /** The protocols that are agreed on in the handshake (ALPN, RFC 7301). Default none. */
  readonly protocols?: readonly string[];
  /** Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** Default 2,000. */
  readonly watchIntervalMs?: number;
}

/** Certificates, and of which state of which files they are. */
interface Loaded {
  readonly settings: CertificateFiles & TlsProtocol;
  readonly state: string;
  readonly certificates: readonly Certificate[];
}

/**
 * The certificates of one TLS block, and what makes TLS of a socket with them. The client's server name (SNI, RFC 6066,
 * 3) picks the certificate. The files are looked at regularly and read again when they have changed: new connections
 * get the new certificates, those that are open go on. Files that can't be used leave everything as it is.
 */
export class TlsContexts {
  readonly #options: TlsContextsOptions;
  #loaded: Loaded | undefined;
  /** The newest state of the files that was tried, and the one that the last look has seen. */
  #tried = '';
  #seen = '';
  #watcher: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(options: TlsContextsOptions) {
    this.#options = options;
  }

  /**
   * Reads the files of a configuration. They are in use once the result is called; where there were none before, at
   * once, so that addresses may be opened meanwhile.
   *
   * @throws TlsError
   */
  async prepare(settings: TlsSettings): Promise<() => void> {
    const loaded = settings.enabled ? await this.#load(settings) : undefined;
    this.#loaded ??= loaded;
    return () => {
      this.#use(loaded);
      if (loaded === undefined) this.close();
      else this.#watch();
    };
  }

  /** Reads the files again. Never rejects: the log tells what can't be used, and the old certificates stay. */
  async reload(): Promise<void> {
    const before = this.#loaded;
    if (before === undefined) return;
    const { log, directive } = this.#options;
    try {
      const loaded = await this.#load(before.settings);
      // A configuration that was applied meanwhile knows better.
      if (this.#loaded === before) this.#use(loaded);
    } catch (error) {
      const problem = errorText(error);
      log.error(`${directive}: the old certificates are used on: ${problem}`);
    }
  }

  /**
   * Makes the server's side of TLS of an accepted socket. The result tells of a failed handshake as of any other
   * error of a socket; nothing can be read from it before the handshake is done.
   *
   * @param accepted - fresh from a listener, unread; owned by the result
   * @param onSecure - told when the handshake is done
   * @returns undefined where there are no certificates; the socket is destroyed then
   */
  secure(accepted: Socket, onSecure?: (socket: TLSSocket) => void): TLSSocket | undefined {
    const fallback = this.#loaded?.certificates[0];
    if (fallback === undefined) {
      accepted.destroy();
      return undefined;
    }
    const { protocols, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = this.#options;
    const socket = new TLSSocket(accepted, {
      isServer: true,
      secureContext: fallback.context,
      SNICallback: (name, done) => {
        done(null, certificateFor(this.#loaded?.certificates ?? [], name)?.context);
      },
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no TLS handshake within ${handshakeTimeoutMs} ms`));
    }, handshakeTimeoutMs);
    const onError = (error: Error & { readonly reason?: unknown }): void => {
      // OpenSSL's own text is a trace of its sources.
      if (typeof error.reason === 'string') error.message = `TLS: ${error.reason}`;
    };
    socket.prependListener('error', onError);
    socket.once('close', () => {
      clearTimeout(timer);
    });
    socket.once('secure', () => {
      clearTimeout(timer);
      onSecure?.(socket);
    });
    return socket;
  }

  /** Stops looking at the files; nothing more is served. */
  close(): void {
    clearInterval(this.#watcher);
    this.#watcher = undefined;
    this.#loaded = undefined;
  }

  async #load(settings: CertificateFiles & TlsProtocol): Promise<Loaded> {
    const { key, cert, ciphers, minVersion } = settings;
    // What changes while it is read is seen by the next look.
    const state = await stateOf(settings);
    const protocol = { ciphers, minVersion };
    const certificates = await loadCertificates(this.#options.directive, { key, cert }, protocol);
    return { settings: { key, cert, ...protocol }, state, certificates };
  }

  #use(loaded: Loaded | undefined): void {
    const before = this.#loaded;
    this.#loaded = loaded;
    if (loaded === undefined) return;
    this.#tried = loaded.state;
    const old = new Set(before === loaded ? [] : before?.certificates.map(fingerprintOf));
    for (const certificate of loaded.certificates) {
      if (!old.has(fingerprintOf(certificate))) this.#tellOf(certificate);
    }
  }

  #tellOf(certificate: Certificate): void {
    const { log, directive } = this.#options;
    const { x509, file } = certificate;
    const what = `${directive}: certificate ${file} for ${namesOf(certificate)}`;
    const [from, until] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
    const now = Date.now();
    if (now < from) log.warn(`${what} is not valid before ${isoDate(from)}`);
    else if (now > until) log.warn(`${what} has expired, ${isoDate(until)}`);
    else if (until - now < SHORT_VALIDITY_MS) log.warn(`${what} expires soon, ${isoDate(until)}`);
    else log.info(`${what} until ${isoDate(until)}`);
  }

  #watch(): void {
    this.#watcher ??= setInterval(() => {
      background('looking at certificates', this.#look());
    }, this.#options.watchIntervalMs ?? WATCH_INTERVAL_MS);
    this.#watcher.unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (this.#loaded === undefined || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const state = await stateOf(this.#loaded.settings);
      // Key and certificate are written one after the other: they are read once two looks see the same.
      const isSettled = state === this.#seen;
      this.#seen = state;
      if (state === this.#tried || !isSettled) return;
      this.#tried = state;
      await this.reload();
    } finally {
      this.#isLooking = false;
    }
  }
}

function fingerprintOf({ x509 }: Certificate): string {
  return x509.fingerprint256;
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Another text whenever one of the files is another one; links are followed. Never rejects. */
async function stateOf({ key, cert }: CertificateFiles): Promise<string> {
  const states = await Promise.all(
    [...key, ...cert].map(async (path) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(path);
        return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      } catch {
        return 'none';
      }
    }),
  );
  return JSON.stringify([key, cert, states]);
}
