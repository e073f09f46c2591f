import type { VhostConfig } from '../config/index.ts';
import { type AddressRange, type AddressWords, inRange, parseAddress, parseRange } from './address.ts';

type SecurityConfig = VhostConfig['security'];
type Rule = SecurityConfig['allow'][number];

/** What rules say of one action. */
interface RuleSet {
  readonly all: boolean;
  readonly ranges: readonly AddressRange[];
}

interface ActionRules {
  readonly allow: RuleSet;
  readonly deny: RuleSet;
}

/** The rules of one `security{}` (S001), made ready for many addresses. */
export class AddressRules {
  readonly #play: ActionRules;
  readonly #publish: ActionRules;

  constructor(config: SecurityConfig) {
    this.#play = actionRules(config, 'play');
    this.#publish = actionRules(config, 'publish');
  }

  /**
   * Why an address may not do it, or undefined. A rule of `deny` that matches refuses, whatever `allow` says;
   * without a match of `allow` nobody gets in. An address that is none matches `all` only.
   */
  problem(action: 'play' | 'publish', ip: string): string | undefined {
    const { allow, deny } = action === 'play' ? this.#play : this.#publish;
    const address = parseAddress(ip);
    if (matches(deny, address)) return `${ip} is denied to ${action}`;
    return matches(allow, address) ? undefined : `${ip} is not allowed to ${action}`;
  }
}

function actionRules(config: SecurityConfig, action: 'play' | 'publish'): ActionRules {
  return { allow: ruleSet(config.allow, action), deny: ruleSet(config.deny, action) };
}

function ruleSet(rules: readonly Rule[], action: 'play' | 'publish'): RuleSet {
  const whos = rules.filter((rule) => rule.action === action).map((rule) => rule.who);
  const ranges = whos.map(parseRange).filter((range) => range !== undefined);
  return { all: whos.includes('all'), ranges };
}

function matches(rules: RuleSet, address: AddressWords | undefined): boolean {
  return rules.all || (address !== undefined && rules.ranges.some((range) => inRange(address, range)));
}
