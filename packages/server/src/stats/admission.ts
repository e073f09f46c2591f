/** What one address may have, whatever the others do. */
export interface AddressAdmission {
  /** Each true is given back by one {@link release}. */
  admit(ip: string): boolean;
  release(ip: string): void;
}

/** Why a connection is not taken. */
export type AdmissionRefusal = 'too-many-connections' | 'too-many-from-address';

/** Counts connections against `max_connections` and against what their address may have, for all doors together. */
export class Admission {
  readonly #limit: () => number;
  readonly #addresses: AddressAdmission | undefined;
  #open = 0;

  /** @param addresses - looks at each address; default: they may all have what they want */
  constructor(limit: () => number, addresses?: AddressAdmission) {
    this.#limit = limit;
    this.#addresses = addresses;
  }

  get open(): number {
    return this.#open;
  }

  /**
   * Takes a place, which {@link release} gives back with the same address.
   *
   * @returns why there is none; undefined when it was taken
   */
  admit(ip: string): AdmissionRefusal | undefined {
    if (this.#open >= this.#limit()) return 'too-many-connections';
    if (this.#addresses?.admit(ip) === false) return 'too-many-from-address';
    this.#open += 1;
    return undefined;
  }

  release(ip: string): void {
    this.#open -= 1;
    this.#addresses?.release(ip);
  }
}
