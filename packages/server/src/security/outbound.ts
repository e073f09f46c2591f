import { lookup as resolve, type LookupAddress } from 'node:dns';
import { type BlockList, isIP, type LookupFunction } from 'node:net';

import { blockListOf, isInList } from './trusted-proxies.ts';

/** A URL that others have given leads where it must not. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly code = 'outbound-refused';
}

/** Addresses that are not of the public Internet (the IANA special-purpose registries, and multicast). */
const NOT_PUBLIC = blockListOf([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  // `::`, `::1` and the old IPv4-compatible ones; translation to IPv4, of which the address is inside.
  ...['::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32'],
  ...['2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
]);

/** Which URLs do not stand in the administrator's own file, and the rule for them. */
export interface OutboundLimit {
  readonly rule: OutboundRule;
  isLimited(url: string): boolean;
}

/**
 * The one rule for URLs that do not stand in the administrator's own files: those of peers, of callbacks' answers and of
 * changes by the API (SSRF). Only http and https are allowed (rtmp and rtmps for the outputs of ingests), and only addresses of the public Internet and those that
 * `outbound { private … }` names. Addresses are looked at after each name resolution, so that neither a name nor a redirect
 * leads elsewhere: use {@link urlProblem} for each URL that is requested, and {@link lookup} for each connection.
 */
export class OutboundRule {
  readonly #allowed: () => readonly string[];
  #ranges: readonly string[] | undefined;
  #list: BlockList = blockListOf([]);

  /** @param allowed - the ranges of private addresses that are allowed now */
  constructor(allowed: () => readonly string[]) {
    this.#allowed = allowed;
  }

  /** Why a URL may not be requested, or undefined. A name is not resolved yet: {@link lookup} does so. */
  urlProblem(text: string): string | undefined {
    if (!URL.canParse(text)) return 'it is not a valid URL';
    const { protocol, hostname } = new URL(text);
    if (protocol !== 'http:' && protocol !== 'https:') return `the scheme ${protocol} is not allowed`;
    return this.hostProblem(hostname.replace(/^\[(.*)\]$/, '$1'));
  }

  /** Why a host may not be connected to, or undefined. A name is not resolved yet: {@link lookup} does so. */
  hostProblem(host: string): string | undefined {
    return isIP(host) === 0 ? undefined : this.addressProblem(host);
  }

  /** Why an address may not be connected to, or undefined. */
  addressProblem(address: string): string | undefined {
    if (!isInList(NOT_PUBLIC, address) || isInList(this.#allowedList(), address)) return undefined;
    return `${address} is not a public address; outbound { private ${address}; } allows it`;
  }

  /** Resolves a name for `net.connect` as `dns.lookup` does; fails when one of its addresses is not allowed. */
  readonly lookup: LookupFunction = (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        done(error, []);
        return;
      }
      const problem = addresses
        .map(({ address }) => this.addressProblem(address))
        .find((one) => one !== undefined);
      if (problem !== undefined) done(new OutboundError(`${name}: ${problem}`), []);
      else answer(addresses, options.all === true, done);
    });
  };

  #allowedList(): BlockList {
    const ranges = this.#allowed();
    if (ranges !== this.#ranges) {
      this.#ranges = ranges;
      this.#list = blockListOf(ranges);
    }
    return this.#list;
  }
}

function answer(
  addresses: readonly LookupAddress[],
  all: boolean,
  done: Parameters<LookupFunction>[2],
): void {
  const [first] = addresses;
  if (all || first === undefined) done(null, [...addresses]);
  else done(null, first.address, first.family);
}
