import type { VhostConfig } from '../config/index.ts';
import { AddressBook, type AddressLimit, type AddressLimits } from './address-book.ts';
import { AddressRules } from './address-rules.ts';
import type { ClientAction, ClientRequest, Verdict } from './client.ts';
import type { ReadJwks } from './jwks.ts';
import type { JwtVerifier } from './jwt.ts';
import type { OutboundLimit } from './outbound.ts';
import { MAX_QUERY_LENGTH, parameterValues } from './parameters.ts';
import { looksSigned, signedUrlProblem } from './signed-url.ts';
import { type TokenProblem, type WantedGrant, wrongToken } from './token-problem.ts';

/** Addresses that a minute remembers; some 10 MB when a flood fills it. */
const MAX_RECENT_ADDRESSES = 65_536;
/** Least time between two lines about refused connections, ms. */
const REFUSAL_LOG_INTERVAL_MS = 5000;

const LIMIT_NAMES: Readonly<Record<AddressLimit, string>> = {
  maxConnectionsPerAddress: 'max_connections_per_address',
  maxConnectsPerSecond: 'max_connects_per_second',
  maxFailedTokensPerMinute: 'max_failed_tokens_per_minute',
};

/** What {@link AccessControl} needs. */
export interface AccessControlOptions {
  readonly log: { warn(message: string): void };
  /** `limits{}` as it is now: asked each time, so that a reload counts at once. */
  readonly limits: () => AddressLimits;
  /** Ms since the epoch; default: the system's clock. */
  readonly now?: (() => number) | undefined;
  /** Ms of a clock that doesn't jump; default: the process's. */
  readonly monotonic?: (() => number) | undefined;
  /** Reads key sets; default: the file system and the network. */
  readonly readJwks?: ReadJwks | undefined;
  /** The rule for URLs of key sets that are not the administrator's. Default: all are. */
  readonly outbound?: OutboundLimit | undefined;
  /** Default 65,536. */
  readonly maxRecentAddresses?: number | undefined;
}

/**
 * Who may do what: `security{}` (S001) and `token{}` of vhosts, and the limits of each address. Whoever is refused
 * is told to the caller, who closes; only refused connections are logged here, gathered into few lines.
 */
export class AccessControl {
  readonly #options: AccessControlOptions;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #addresses: AddressBook;
  /** Rules live as long as the configuration that they are of. */
  readonly #rules = new WeakMap<VhostConfig['security'], AddressRules>();
  #verifier: Promise<JwtVerifier> | undefined;
  #refused = 0;
  #refusedLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AccessControlOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#addresses = new AddressBook(options.maxRecentAddresses ?? MAX_RECENT_ADDRESSES);
  }

  /**
   * Takes a new connection, whatever its protocol; false closes it. Each true is given back by one
   * {@link release} with the same address.
   */
  admit(ip: string): boolean {
    const reached = this.#addresses.admit(ip, this.#options.limits(), this.#monotonic());
    if (reached === undefined) return true;
    this.#logRefusal(ip, reached);
    return false;
  }

  /** A connection that was admitted is gone. */
  release(ip: string): void {
    this.#addresses.release(ip);
  }

  /**
   * Whether a client may go on. The verdict comes at once unless a JWT has to be checked; a promise never rejects.
   * At `connect` there is nothing to check: what the client is shows later.
   */
  check(action: ClientAction, client: ClientRequest): Verdict | Promise<Verdict> {
    if (action === 'connect') return undefined;
    const { security, token } = client.vhost;
    if (security.enabled) {
      const detail = this.#rulesOf(security).problem(action, client.ip);
      if (detail !== undefined) return { reason: 'security-denied', detail };
    }
    if (!token.enabled || !token[action]) return undefined;
    const limits = this.#options.limits();
    if (this.#addresses.isBarred(client.ip, limits, this.#monotonic())) {
      const detail = `${client.ip} has shown too many wrong tokens (limits.max_failed_tokens_per_minute)`;
      return { reason: 'too-many-from-address', detail };
    }
    const problem = this.#tokenProblem(action, client);
    return problem instanceof Promise
      ? problem.then((settled) => this.#verdict(client, settled))
      : this.#verdict(client, problem);
  }

  /**
   * A JWT goes before a signature. Only what the vhost has keys for counts, so that a parameter `token` of another
   * meaning (for the callback server, say) doesn't get into the way of signed URLs.
   */
  #tokenProblem(
    action: 'play' | 'publish',
    { vhost, app, stream, param }: ClientRequest,
  ): TokenProblem | undefined | Promise<TokenProblem | undefined> {
    const { token } = vhost;
    const wanted: WantedGrant = { action, vhost: vhost.name, app, stream };
    if (param.length > MAX_QUERY_LENGTH) return wrongToken('the query of the URL is too long');
    if (token.jwtSecrets.length > 0 || token.jwks !== '') {
      const [jwt, ...more] = parameterValues(param, 'token');
      if (more.length > 0) return wrongToken('the URL has token more than once');
      if (jwt !== undefined) return this.#jwtProblem(jwt, wanted, token);
    }
    if (token.secrets.length > 0 && looksSigned(param)) {
      const { secrets, leewayMs, maxLifetimeMs } = token;
      return signedUrlProblem(param, wanted, { secrets, leewayMs, maxLifetimeMs }, this.#now());
    }
    return { detail: 'the URL has no token', wrong: false };
  }

  async #jwtProblem(
    jwt: string,
    wanted: WantedGrant,
    config: VhostConfig['token'],
  ): Promise<TokenProblem | undefined> {
    this.#verifier ??= this.#makeVerifier();
    const verifier = await this.#verifier;
    return verifier.problem(jwt, wanted, config);
  }

  /** What JWTs need is read when the first one comes. */
  async #makeVerifier(): Promise<JwtVerifier> {
    const [{ JwtVerifier }, { jwksReader }] = await Promise.all([import('./jwt.ts'), import('./jwks.ts')]);
    return new JwtVerifier({
      now: this.#now,
      monotonic: this.#monotonic,
      onProblem: (message) => {
        this.#options.log.warn(message);
      },
      readJwks: this.#options.readJwks ?? jwksReader(this.#options.outbound),
    });
  }

  #verdict({ ip }: ClientRequest, problem: TokenProblem | undefined): Verdict {
    if (problem === undefined) return undefined;
    if (problem.wrong) this.#addresses.fail(ip, this.#options.limits(), this.#monotonic());
    return { reason: 'token-denied', detail: problem.detail };
  }

  #rulesOf(security: VhostConfig['security']): AddressRules {
    let rules = this.#rules.get(security);
    if (rules === undefined) {
      rules = new AddressRules(security);
      this.#rules.set(security, rules);
    }
    return rules;
  }

  #logRefusal(ip: string, limit: AddressLimit): void {
    this.#refused += 1;
    const now = this.#monotonic();
    if (now - this.#refusedLoggedAt < REFUSAL_LOG_INTERVAL_MS) return;
    const name = LIMIT_NAMES[limit];
    const most = this.#options.limits()[limit];
    this.#options.log.warn(
      `refused ${this.#refused} connections, the last one from ${ip}: limits.${name} ${most} is reached`,
    );
    this.#refused = 0;
    this.#refusedLoggedAt = now;
  }
}
