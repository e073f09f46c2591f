import type { VhostConfig } from '../config/index.ts';
import type { LiveSettings } from '../live/index.ts';

/** The live engine's settings by vhost: made once of each, for streams and players compare them by identity. */
export class LiveSettingsByVhost {
  readonly #version: string;
  readonly #made = new WeakMap<VhostConfig, LiveSettings>();

  constructor(version: string) {
    this.#version = version;
  }

  of(vhost: VhostConfig): LiveSettings {
    let settings = this.#made.get(vhost);
    if (settings === undefined) {
      const { httpRemux, minLatency, play, publish } = vhost;
      const metadata = {
        server: `Sluice/${this.#version}`,
        server_version: this.#version,
        srs_primary: 'Sluice',
        srs_authors: 'The Sluice authors',
      };
      const fastCacheMs = httpRemux.enabled ? httpRemux.fastCacheSeconds * 1000 : 0;
      settings = { minLatency, play, publish, metadata, fastCacheMs };
      this.#made.set(vhost, settings);
    }
    return settings;
  }
}
