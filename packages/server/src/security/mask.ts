/** In the place of a secret. */
const MASK = '***';

/** A text without any of these has no secret that is known by its looks: most lines go no further. */
const SUSPECT = /token|secret|pass|pwd|sig|key|auth|jwt|credential|eyJ|@|Basic|Bearer/i;

/** Words whose value is a secret, also at the end of a longer name (`access_token`), or before an index. */
const WORDS = 'token|secret|password|passwd|pwd|signature|credential|api_?key|stream_?key';
/** Names that are secret only as a whole. */
const NAMES = 'sign|sig|key|auth|jwt|pass';
/** Between a name and its value in a URL, in SRS's old form of parameters, and in JSON. */
const SEPARATORS = String.raw`=|%3D|\.\.\.|["']\s{0,4}:\s{0,4}["']`;

/** No part of these looks back at what it has read: a peer can't make a line expensive. */
const MASKS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // rtmp://user:password@host
  [/(:\/\/)[^\s/@]{1,512}@/g, `$1${MASK}@`],
  [
    new RegExp(
      String.raw`((?:(?:${WORDS})[\w-]{0,32}|(?<![\w-])(?:${NAMES}))(?:${SEPARATORS}))[^\s&"'<>]+`,
      'gi',
    ),
    `$1${MASK}`,
  ],
  // A line of a configuration file: `secret abc;`
  [/((?<![\w-])(?:jwt_)?(?:secret|password)\s{1,16})[^\s;][^;\n]{0,512};/g, `$1${MASK};`],
  [/\b(Basic|Bearer)(\s{1,4})[\w+/=.~-]{16,}/gi, `$1$2${MASK}`],
  // A JSON Web Token, whatever it is called.
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, MASK],
];

/**
 * The text with `***` for what looks like a secret: the values of `token=`, `sign=`, `secret=` and their like,
 * passwords in URLs, Authorization headers, JSON Web Tokens. Rather too much is masked than too little.
 */
export function maskSecrets(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let masked = text;
  for (const [pattern, replacement] of MASKS) masked = masked.replace(pattern, replacement);
  return masked;
}
