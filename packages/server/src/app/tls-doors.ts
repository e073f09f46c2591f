import type { Config, ListenAddress, TlsConfig } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import type { RtmpServer } from '../servers/rtmp/index.ts';
import { TlsContexts, TlsError } from '../tls/index.ts';
import type { HttpDoor, HttpDoors } from './http-doors.ts';
import type { ListenDoor, WantedAddresses } from './listeners.ts';
import { StartError } from './start-error.ts';

/** HTTP/2 isn't served (RFC 7301). */
const HTTP_PROTOCOLS = ['http/1.1'];

/** What is served over TLS. */
export interface TlsDoorsContext {
  readonly log: Log;
  readonly rtmp: RtmpServer;
  readonly http: HttpDoors;
}

/** `rtmps{}` and the two `https{}`: their certificates, and the addresses that they are served on. */
export class TlsDoors {
  readonly rtmps: ListenDoor;
  readonly https: ListenDoor;
  readonly apiHttps: ListenDoor;
  /** The API's, where `http_server` answers for it. */
  readonly sharedApiHttps: ListenDoor;
  readonly #http: HttpDoors;
  readonly #certificates: {
    readonly rtmps: TlsContexts;
    readonly https: TlsContexts;
    readonly api: TlsContexts;
  };

  constructor({ log, rtmp, http }: TlsDoorsContext) {
    const rtmps = new TlsContexts({ log, directive: 'rtmps' });
    const https = new TlsContexts({ log, directive: 'http_server.https', protocols: HTTP_PROTOCOLS });
    const api = new TlsContexts({ log, directive: 'http_api.https', protocols: HTTP_PROTOCOLS });
    this.#certificates = { rtmps, https, api };
    this.#http = http;
    this.rtmps = {
      name: 'RTMPS',
      directive: 'rtmps.listen',
      open: (address) => rtmp.listen(address, rtmps),
      close: (bound) => {
        rtmp.unlisten(bound);
      },
    };
    this.https = httpsDoor('http_server.https.listen', http.server, https);
    this.apiHttps = httpsDoor('http_api.https.listen', http.api, api);
    this.sharedApiHttps = httpsDoor('http_api.https.listen', http.server, api);
  }

  /** Where they listen by a configuration. */
  wanted(config: Config): WantedAddresses[] {
    const { rtmps, https, api } = blocksOf(config);
    const shared = this.#http.apiDoor(config) === this.#http.server;
    const addresses = api.enabled ? api.listen : [];
    return [
      { door: this.rtmps, addresses: rtmps.enabled ? rtmps.listen : [] },
      { door: this.https, addresses: https.enabled ? https.listen : [] },
      { door: this.apiHttps, addresses: shared ? [] : addresses },
      // Where both blocks name one address, it is `http_server`'s, as without TLS.
      { door: this.sharedApiHttps, addresses: shared && !isSameAddress(api, https) ? addresses : [] },
    ];
  }

  /**
   * Reads the certificates of a configuration; they are in use once what this resolves to has been called.
   *
   * @throws StartError
   */
  async prepare(config: Config): Promise<() => void> {
    const { rtmps, https, api } = blocksOf(config);
    try {
      const swaps = await Promise.all([
        this.#certificates.rtmps.prepare(rtmps),
        this.#certificates.https.prepare(https),
        this.#certificates.api.prepare(api),
      ]);
      return () => {
        for (const swap of swaps) swap();
      };
    } catch (error) {
      if (error instanceof TlsError)
        throw new StartError('certificate-unusable', error.message, { cause: error });
      throw error;
    }
  }

  /** Stops to look at the files. */
  close(): void {
    for (const certificates of Object.values(this.#certificates)) certificates.close();
  }
}

function httpsDoor(directive: string, door: HttpDoor, certificates: TlsContexts): ListenDoor {
  return {
    name: 'HTTPS',
    directive,
    open: (address: ListenAddress) => door.open(address, certificates),
    close: (bound: ListenAddress) => {
      door.close(bound);
    },
  };
}

/** The blocks; `https{}` goes with the server that it stands in. */
function blocksOf({ rtmps, httpServer, httpApi }: Config): Record<'rtmps' | 'https' | 'api', TlsConfig> {
  const { https } = httpServer;
  return {
    rtmps,
    https: { ...https, enabled: https.enabled && httpServer.enabled },
    api: { ...httpApi.https, enabled: httpApi.https.enabled && httpApi.enabled },
  };
}

function isSameAddress(api: TlsConfig, server: TlsConfig): boolean {
  return server.enabled && JSON.stringify(api.listen) === JSON.stringify(server.listen);
}
