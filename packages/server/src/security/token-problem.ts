/** Why a token lets nobody in. */
export interface TokenProblem {
  /** For people; neither a secret nor the token is in it. */
  readonly detail: string;
  /** Whether a wrong token was shown: such ones count against the address. */
  readonly wrong: boolean;
}

/** What a token has to be for. */
export interface WantedGrant {
  readonly action: 'play' | 'publish';
  /** The name of the vhost in the configuration. */
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** A token that was shown and is wrong. */
export function wrongToken(detail: string): TokenProblem {
  return { detail, wrong: true };
}
