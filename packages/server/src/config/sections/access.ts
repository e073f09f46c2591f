import { ruleField, ValueProblem } from './fields.ts';
import type { ValueForm } from './fields.ts';
import { Section } from './section.ts';
import { flag, integer, isAddressOrRange, seconds, text, words } from './values.ts';

/** `allow|deny play|publish WHO`. */
export interface SecurityRule {
  readonly action: 'play' | 'publish';
  /** `all`, an IP address or a range of them. */
  readonly who: string;
}

const SECURITY_RULE: ValueForm<SecurityRule> = {
  shape: 'play|publish all|IP|IP/BITS',
  least: 2,
  most: 2,
  environment: 'list',
  read([action, who]) {
    if (action?.text !== 'play' && action?.text !== 'publish') {
      throw new ValueProblem(`expected \`play\` or \`publish\`, not \`${action?.text ?? ''}\``, action);
    }
    if (who === undefined || (who.text !== 'all' && !isAddressOrRange(who.text))) {
      throw new ValueProblem(`expected \`all\` or an IP address, not \`${who?.text ?? ''}\``, who);
    }
    return { action: action.text, who: who.text };
  },
  print: (rule) => `${rule.action} ${rule.who}`,
};

/** `security{}` of a vhost. */
export const securitySection = new Section('security', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Asks the rules below; without a match nobody gets in.',
  }),
  allow: ruleField('allow', SECURITY_RULE, {
    active: true,
    means: 'Lets in; may be given many times.',
  }),
  deny: ruleField('deny', SECURITY_RULE, {
    active: true,
    means: 'Keeps out, whatever `allow` says; may be given many times.',
  }),
});

/** Secrets shorter than that can be guessed. */
const LEAST_SECRET_LENGTH = 16;
/** RFC 7518, 3.2: as long as the hash. */
const LEAST_JWT_SECRET_LENGTH = 32;

/** Does not repeat the secret: a problem is printed. */
function secretProblem(least: number): (secret: string) => string | undefined {
  return (secret) =>
    Buffer.byteLength(secret) >= least ? undefined : `a secret has at least ${least} characters`;
}

/** How a JSON Web Token may be signed (RFC 7518, 3.1). `none` is not among them. */
const JWT_ALGORITHMS = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512'],
  ...['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
];

function algorithmProblem(word: string): string | undefined {
  return JWT_ALGORITHMS.includes(word)
    ? undefined
    : `expected one of ${JWT_ALGORITHMS.join(', ')}, not \`${word}\``;
}

/** `token{}` of a vhost: ours. */
export const tokenSection = new Section('token', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: 'Lets in only clients whose URL has a good signature or JSON Web Token.',
  }),
  publish: flag('publish', { default: true, active: true, means: 'Asks publishers for it.' }),
  play: flag('play', { default: true, active: true, means: 'Asks players for it.' }),
  secrets: words('secret', {
    active: true,
    check: secretProblem(LEAST_SECRET_LENGTH),
    shape: 'SECRET …',
    means:
      'Makes signed URLs (`expires` and `sign`) good: the secrets that they may be signed with, of 16 characters or more; several, so that one can be replaced.',
  }),
  jwtSecrets: words('jwt_secret', {
    active: true,
    check: secretProblem(LEAST_JWT_SECRET_LENGTH),
    shape: 'SECRET …',
    means:
      'Makes JSON Web Tokens (`token`) of the HS algorithms good: their secrets, of 32 characters or more.',
  }),
  jwks: text('jwks', {
    default: '',
    active: true,
    shape: 'PATH|URL',
    means:
      'Makes JSON Web Tokens of the RS, PS and ES algorithms good: the file, or http(s) URL, of the public keys (a JSON Web Key Set).',
  }),
  jwksRefreshMs: seconds('jwks_refresh', {
    default: 300_000,
    min: 10_000,
    active: true,
    means: 'How often the keys are read again.',
  }),
  jwksTimeoutMs: seconds('jwks_timeout', {
    default: 3000,
    min: 100,
    max: 30_000,
    active: true,
    means: 'How long reading the keys may take.',
  }),
  jwtAlgorithms: words('jwt_algorithms', {
    default: JWT_ALGORITHMS,
    active: true,
    check: algorithmProblem,
    shape: 'ALGORITHM …',
    means: 'The algorithms that a JSON Web Token may be signed with.',
  }),
  jwtIssuer: text('jwt_issuer', {
    default: '',
    active: true,
    means: 'What the `iss` of a JSON Web Token has to be; empty is anything.',
  }),
  jwtAudience: text('jwt_audience', {
    default: '',
    active: true,
    means: 'What has to be in the `aud` of a JSON Web Token; empty is anything.',
  }),
  maxLifetimeMs: seconds('max_lifetime', {
    default: 0,
    active: true,
    means: 'Refuses what expires later than that; 0 is no limit.',
  }),
  leewayMs: seconds('leeway', {
    default: 5000,
    max: 300_000,
    active: true,
    means: 'How far the clocks of server and signer may be apart.',
  }),
});

/** `refer{}` of a vhost. */
export const referSection = new Section('refer', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means: "Checks the host of the page that a client's player is in.",
  }),
  all: words('all', { shape: 'HOST …', active: true, means: 'The hosts that may connect; none is all.' }),
  play: words('play', { shape: 'HOST …', active: true, means: 'The hosts that may play; none is all.' }),
  publish: words('publish', {
    shape: 'HOST …',
    active: true,
    means: 'The hosts that may publish; none is all.',
  }),
});

/** `bandcheck{}` of a vhost. */
export const bandcheckSection = new Section('bandcheck', {
  enabled: flag('enabled', {
    default: false,
    active: true,
    means:
      'Makes each RTMP connection to this vhost a bandwidth test. Nobody publishes or plays here, by any protocol.',
  }),
  key: text('key', { default: '', active: true, means: 'The key that a client must give.' }),
  intervalMs: seconds('interval', {
    default: 30_000,
    active: true,
    means: 'The least time between two tests.',
  }),
  limitKbps: integer('limit_kbps', {
    default: 1000,
    min: 1,
    active: true,
    shape: 'KBPS',
    means: 'The most that a test uses.',
  }),
});
