import type { ChangeEffect, Difference } from './differences.ts';
import type { ConfigChange } from './plan.ts';

/** One line of what a reload does: typed, and as a text for people. */
export interface ChangeLine {
  readonly kind: ConfigChange['kind'];
  /** The vhost's name; absent for the root. */
  readonly vhost?: string;
  /** Of a vhost that comes or goes as a whole there is none. */
  readonly difference?: Difference;
  readonly text: string;
}

const effectTexts: Readonly<Record<ChangeEffect, string>> = {
  live: '',
  restart: ' (after a restart)',
  none: ' (without effect in this version)',
};

function differenceText({ directive, before, after, effect }: Difference): string {
  const change =
    after === 'added' && before === ''
      ? 'added'
      : before === 'removed' && after === ''
        ? 'removed'
        : `${before === '' ? '(none)' : before} -> ${after === '' ? '(none)' : after}`;
  return `${directive}: ${change}${effectTexts[effect]}`;
}

/** A change line by line, one for each directive. */
export function changeLines(change: ConfigChange): ChangeLine[] {
  const { kind } = change;
  switch (kind) {
    case 'root':
      return change.differences.map((difference) => ({
        kind,
        difference,
        text: differenceText(difference),
      }));
    case 'vhost-added':
      return [{ kind, vhost: change.vhost.name, text: `vhost ${change.vhost.name}: added` }];
    case 'vhost-removed': {
      const vhost = change.vhost.name;
      return [{ kind, vhost, text: `vhost ${vhost}: removed, its clients are disconnected` }];
    }
    case 'vhost-changed': {
      const vhost = change.after.name;
      return change.differences.map((difference) => ({
        kind,
        vhost,
        difference,
        text: `vhost ${vhost}: ${differenceText(difference)}`,
      }));
    }
  }
}

/** A change as lines for people, one for each directive. */
export function describeChange(change: ConfigChange): string[] {
  return changeLines(change).map(({ text }) => text);
}
