import { BlockList, isIP } from 'node:net';

/** The headers by which a proxy says for whom it asks. */
export interface ForwardedHeaders {
  readonly 'x-forwarded-for'?: string | readonly string[] | undefined;
  readonly 'x-forwarded-host'?: string | readonly string[] | undefined;
  readonly 'x-forwarded-proto'?: string | readonly string[] | undefined;
  readonly host?: string | undefined;
}

/** Who asks, and by which address, as the outermost trusted proxy has seen it. */
export interface ForwardedRequest {
  /** The address of the client; that of the peer where it is not a trusted proxy. */
  readonly ip: string;
  /** As the client wrote it, with its port; undefined when there is none. */
  readonly host: string | undefined;
  /** Undefined when no trusted proxy says it. */
  readonly protocol: 'http' | 'https' | undefined;
}

/** The most entries of `X-Forwarded-For` that are looked at. */
const MAX_HOPS = 32;

/**
 * The proxies whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` count (`trusted_proxies`). Without one
 * nobody's do: every client can send these headers.
 */
export class TrustedProxies {
  readonly #ranges: BlockList;
  readonly #isEmpty: boolean;

  /** @param ranges - addresses and ranges (`10.0.0.0/8`), which have been validated */
  constructor(ranges: readonly string[]) {
    this.#ranges = blockListOf(ranges);
    this.#isEmpty = ranges.length === 0;
  }

  /** Whether the headers of this peer count. */
  trusts(address: string | undefined): boolean {
    return !this.#isEmpty && address !== undefined && isInList(this.#ranges, address);
  }

  /**
   * @param peer - the address of the socket's other end
   * @param headers - of its request
   */
  forwarded(peer: string | undefined, headers: ForwardedHeaders): ForwardedRequest {
    if (!this.trusts(peer)) return { ip: peer ?? '', host: headers.host, protocol: undefined };
    const protocol = lastOf(headers['x-forwarded-proto'])?.toLowerCase();
    return {
      ip: this.#clientOf(peer ?? '', headers['x-forwarded-for']),
      host: lastOf(headers['x-forwarded-host']) ?? headers.host,
      protocol: protocol === 'http' || protocol === 'https' ? protocol : undefined,
    };
  }

  /** The nearest hop that is not a trusted proxy. What lies behind it, or behind an entry that is no address, may be made up. */
  #clientOf(peer: string, forwardedFor: ForwardedHeaders['x-forwarded-for']): string {
    let client = peer;
    const hops = textOf(forwardedFor).split(',').slice(-MAX_HOPS).reverse();
    for (const hop of hops) {
      const address = addressOf(hop);
      if (address === undefined) return client;
      client = address;
      if (!this.trusts(address)) return client;
    }
    return client;
  }
}

/** Ranges as a list that addresses are looked up in. */
export function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const version = isIP(address);
    if (version === 0) continue;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Whether an address is in a list. A zone (`%eth0`) is left aside; the list takes an IPv4-mapped address as IPv4. */
export function isInList(list: BlockList, address: string): boolean {
  const [plain = ''] = address.split('%', 1);
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.join(',') ?? '');
}

/** The last entry of a list is what the nearest proxy has written. */
function lastOf(value: string | readonly string[] | undefined): string | undefined {
  const last = textOf(value).split(',').at(-1)?.trim();
  return last === '' ? undefined : last;
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`; undefined when it is none of them. */
function addressOf(entry: string): string | undefined {
  const text = entry.trim();
  if (isIP(text) !== 0) return text;
  const host = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1];
  return host !== undefined && isIP(host) !== 0 ? host : undefined;
}
