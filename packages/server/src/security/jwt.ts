import {
  type CompactJWSHeaderParameters,
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from 'jose';

import type { VhostConfig } from '../config/index.ts';
import { JwksError, JwksSource, type ReadJwks } from './jwks.ts';
import { type TokenProblem, type WantedGrant, wrongToken } from './token-problem.ts';

type TokenConfig = VhostConfig['token'];

/** The longest JWT that is looked at, characters. */
const MAX_JWT_LENGTH = 8192;
/** Key sets that are kept; one for each file or URL that vhosts name. */
const MAX_KEY_SETS = 64;

/** What the verifier needs. */
export interface JwtVerifierOptions {
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Ms of a clock that doesn't jump. */
  readonly monotonic: () => number;
  /** Told when keys can't be read. */
  readonly onProblem: (message: string) => void;
  /** Reads key sets; default: the file system and the network. */
  readonly readJwks?: ReadJwks | undefined;
}

/** Checks JSON Web Tokens (RFC 7519) of publishers and players. */
export class JwtVerifier {
  readonly #options: JwtVerifierOptions;
  readonly #keySets = new Map<string, JwksSource>();

  constructor(options: JwtVerifierOptions) {
    this.#options = options;
  }

  /** What is wrong with a token, or undefined; never rejects. */
  async problem(token: string, wanted: WantedGrant, config: TokenConfig): Promise<TokenProblem | undefined> {
    if (token.length > MAX_JWT_LENGTH) return wrongToken(`the token is longer than ${MAX_JWT_LENGTH}`);
    try {
      const payload = await this.#verified(token, config);
      if (!isCompactJws(token)) return wrongToken('the token has more in it than its parts');
      return this.#payloadProblem(payload, wanted, config);
    } catch (error) {
      return problemOf(error);
    }
  }

  async #verified(token: string, config: TokenConfig): Promise<JWTPayload> {
    const header = decodeProtectedHeader(token) as CompactJWSHeaderParameters;
    if (!config.jwtAlgorithms.some((name) => name === header.alg)) throw new errors.JOSEAlgNotAllowed();
    const options: JWTVerifyOptions = {
      algorithms: [header.alg],
      requiredClaims: ['exp'],
      clockTolerance: config.leewayMs / 1000,
      currentDate: new Date(this.#options.now()),
      ...(config.jwtIssuer === '' ? {} : { issuer: config.jwtIssuer }),
      ...(config.jwtAudience === '' ? {} : { audience: config.jwtAudience }),
    };
    for (const key of await this.#candidates(header, config)) {
      try {
        const { payload } = await jwtVerify(token, key, options);
        return payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }

  /**
   * The keys that the token may be signed with. The algorithm's family decides: a secret is never tried as a public
   * key, nor a public key as a secret.
   */
  async #candidates(
    header: CompactJWSHeaderParameters,
    config: TokenConfig,
  ): Promise<readonly (CryptoKey | Uint8Array)[]> {
    if (header.alg.startsWith('HS')) return config.jwtSecrets.map((secret) => Buffer.from(secret));
    return config.jwks === '' ? [] : this.#keySet(config).keysFor(header);
  }

  #keySet({ jwks, jwksRefreshMs, jwksTimeoutMs }: TokenConfig): JwksSource {
    const name = [jwksRefreshMs, jwksTimeoutMs, jwks].join(' ');
    let set = this.#keySets.get(name);
    if (set === undefined) {
      const { monotonic, onProblem, readJwks } = this.#options;
      set = new JwksSource({
        source: jwks,
        refreshMs: jwksRefreshMs,
        timeoutMs: jwksTimeoutMs,
        now: monotonic,
        onProblem,
        read: readJwks,
      });
    }
    // Those used last are at the end, so that the first one is what a reload has left over.
    this.#keySets.delete(name);
    this.#keySets.set(name, set);
    if (this.#keySets.size > MAX_KEY_SETS) {
      const [first] = this.#keySets.keys();
      if (first !== undefined) this.#keySets.delete(first);
    }
    return set;
  }

  #payloadProblem(payload: JWTPayload, wanted: WantedGrant, config: TokenConfig): TokenProblem | undefined {
    const now = this.#options.now();
    const { leewayMs, maxLifetimeMs } = config;
    const { iat, exp = 0 } = payload;
    if (iat !== undefined && iat * 1000 > now + leewayMs)
      return wrongToken('the token was issued in the future');
    if (maxLifetimeMs > 0 && exp * 1000 > now + maxLifetimeMs + leewayMs)
      return wrongToken('the token expires later than max_lifetime allows');
    if (!covers(payload['action'], wanted.action))
      return wrongToken(`the token's action does not allow to ${wanted.action}`);
    for (const name of ['vhost', 'app', 'stream'] as const) {
      if (payload[name] !== undefined && !covers(payload[name], wanted[name]))
        return wrongToken(`the token is for another ${name}`);
    }
    return undefined;
  }
}

/**
 * Whether a token is three parts of base64url (RFC 7515, 7.1), each in its one form. Decoders leave aside what they don't
 * know, and bits behind the last byte, so that a token would be good with anything behind it.
 */
function isCompactJws(token: string): boolean {
  const parts = token.split('.');
  return parts.length === 3 && parts.every((part) => part !== '' && isCanonical(part));
}

function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** Whether a claim, one text or a list of them, names it. */
function covers(claim: unknown, wanted: string): boolean {
  return claim === wanted || (Array.isArray(claim) && claim.includes(wanted));
}

function problemOf(error: unknown): TokenProblem {
  if (error instanceof JwksError) return { detail: error.message, wrong: false };
  if (error instanceof errors.JWTExpired) return wrongToken('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return wrongToken('the token is not valid yet');
    return wrongToken(`the token's claim ${error.claim} is missing or wrong`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return wrongToken("the token's algorithm is not in jwt_algorithms");
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return wrongToken("the token's signature is of no known key");
  return wrongToken('the token is no JWT that can be checked');
}
