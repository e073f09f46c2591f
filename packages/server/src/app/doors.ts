import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import type { RtmpServer } from '../servers/rtmp/index.ts';
import type { ServerAddresses } from './addresses.ts';
import type { HttpDoors } from './http-doors.ts';
import { type ListenDoor, Listeners, type PreparedAddresses, type WantedAddresses } from './listeners.ts';
import { TlsDoors } from './tls-doors.ts';

/** What {@link Doors} opens. */
export interface DoorsContext {
  readonly log: Log;
  readonly rtmp: RtmpServer;
  readonly http: HttpDoors;
}

/** All that clients come in by: RTMP and HTTP, each over TLS, too. */
export class Doors {
  readonly #rtmp: ListenDoor;
  readonly #http: HttpDoors;
  readonly #tls: TlsDoors;
  readonly #listeners: Listeners;

  constructor({ log, rtmp, http }: DoorsContext) {
    this.#http = http;
    this.#tls = new TlsDoors({ log, rtmp, http });
    this.#rtmp = {
      name: 'RTMP',
      directive: 'listen',
      open: (address) => rtmp.listen(address),
      close: (bound) => {
        rtmp.unlisten(bound);
      },
    };
    this.#listeners = new Listeners((error) => {
      log.error(error.message);
    });
  }

  /** The first port of RTMP: that which the server itself publishes to. */
  get rtmpPort(): number {
    return this.#listeners.of(this.#rtmp)[0]?.port ?? 1935;
  }

  /** The first port of RTMP over TLS; undefined where there is none. */
  get rtmpsPort(): number | undefined {
    return this.#listeners.of(this.#tls.rtmps)[0]?.port;
  }

  /** Where they listen now; the API's are those of `http_server` where that answers for it. */
  addresses(config: Config): ServerAddresses {
    const http = this.#listeners.of(this.#http.server);
    const api = this.#listeners.of(this.#http.api);
    const shared = config.httpApi.enabled && api.length === 0;
    const https = this.#listeners.of(this.#tls.https);
    const ownHttps = [this.#tls.apiHttps, this.#tls.sharedApiHttps].flatMap((door) =>
      this.#listeners.of(door),
    );
    return {
      rtmp: this.#listeners.of(this.#rtmp),
      http,
      api: shared ? http : api,
      rtmps: this.#listeners.of(this.#tls.rtmps),
      https,
      apiHttps: shared && ownHttps.length === 0 ? https : ownHttps,
    };
  }

  /**
   * Makes everything ready by a configuration: certificates, what HTTP answers, addresses. One of the two that it
   * resolves to has to be called.
   *
   * @throws StartError; all is as it was then
   */
  async prepare(config: Config): Promise<PreparedAddresses> {
    const certificates = await this.#tls.prepare(config);
    const answers = await this.#http.prepare(config);
    const addresses = await this.#listeners.prepare(this.#wanted(config));
    return {
      commit: () => {
        answers();
        certificates();
        addresses.commit();
      },
      rollback: () => addresses.rollback(),
    };
  }

  /** Takes no new clients; those that are there stay. */
  async stopListening(): Promise<void> {
    (await this.#listeners.prepare([])).commit();
  }

  /** Watches no certificates any more. */
  close(): void {
    this.#tls.close();
  }

  #wanted(config: Config): WantedAddresses[] {
    return [
      { door: this.#rtmp, addresses: config.listen },
      ...this.#http.wanted(config),
      ...this.#tls.wanted(config),
    ];
  }
}
