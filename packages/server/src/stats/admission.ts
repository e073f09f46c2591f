/** What one address may have, whatever the others do. */
export interface AddressAdmission {
  /** Each true is given back by one {@link release}. */
  admit(ip: string): boolean;
  release(ip: string): void;
}

/** What the descriptors of the process allow. */
export interface DescriptorAdmission {
  /** @param descriptor - undefined where it is not known */
  admits(descriptor: number | undefined): boolean;
  /** Each true is given back by one {@link releaseFile}. */
  takeFile(connections: number): boolean;
  releaseFile(): void;
  fitsFile(descriptor: number): boolean;
  /** Counts what was refused. */
  refuse(): void;
}

/** Why a connection is not taken. */
export type AdmissionRefusal = 'too-many-connections' | 'too-many-from-address' | 'too-few-descriptors';

/** Counts connections against `max_connections` and against what their address may have, for all doors together. */
export class Admission {
  readonly #limit: () => number;
  readonly #addresses: AddressAdmission | undefined;
  readonly #descriptors: DescriptorAdmission | undefined;
  #open = 0;

  /**
   * @param addresses - looks at each address; default: they may all have what they want
   * @param descriptors - looks at each descriptor; default: they are all admitted
   */
  constructor(limit: () => number, addresses?: AddressAdmission, descriptors?: DescriptorAdmission) {
    this.#limit = limit;
    this.#addresses = addresses;
    this.#descriptors = descriptors;
  }

  get open(): number {
    return this.#open;
  }

  /** The most connections that are taken. */
  get limit(): number {
    return this.#limit();
  }

  /**
   * Takes a place, which {@link release} gives back with the same address.
   *
   * @param descriptor - of the accepted socket; undefined where it is not known
   * @returns why there is none; undefined when it was taken
   */
  admit(ip: string, descriptor?: number): AdmissionRefusal | undefined {
    if (this.#descriptors?.admits(descriptor) === false) return 'too-few-descriptors';
    if (this.#open >= this.#limit()) return 'too-many-connections';
    if (this.#addresses?.admit(ip) === false) return 'too-many-from-address';
    this.#open += 1;
    return undefined;
  }

  /** The system has refused a descriptor for a client. */
  refusedBySystem(): void {
    this.#descriptors?.refuse();
  }

  /** Whether a file may be opened for a client; true is given back by {@link releaseFile}. */
  takeFile(): boolean {
    return this.#descriptors?.takeFile(this.#open) ?? true;
  }

  releaseFile(): void {
    this.#descriptors?.releaseFile();
  }

  /** Whether a file that was opened for a client may stay open. */
  fitsFile(descriptor: number): boolean {
    return this.#descriptors?.fitsFile(descriptor) ?? true;
  }

  release(ip: string): void {
    this.#open -= 1;
    this.#addresses?.release(ip);
  }
}
