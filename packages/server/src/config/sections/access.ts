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
    means: 'Asks the rules below; without a match nobody gets in.',
  }),
  allow: ruleField('allow', SECURITY_RULE, { means: 'Lets in; may be given many times.' }),
  deny: ruleField('deny', SECURITY_RULE, {
    means: 'Keeps out, whatever `allow` says; may be given many times.',
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
    means: 'Makes each connection to this vhost a bandwidth test.',
  }),
  key: text('key', { default: '', means: 'The key that a client must give.' }),
  intervalMs: seconds('interval', { default: 30_000, means: 'The least time between two tests.' }),
  limitKbps: integer('limit_kbps', {
    default: 1000,
    min: 1,
    shape: 'KBPS',
    means: 'The most that a test uses.',
  }),
});
