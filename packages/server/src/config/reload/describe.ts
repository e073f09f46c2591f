import type { Difference } from './differences.ts';
import type { ConfigChange } from './plan.ts';

const effectTexts = {
  live: '',
  restart: ' (after a restart)',
  none: ' (without effect in this version)',
} as const;

function differenceText({ directive, before, after, effect }: Difference): string {
  const change =
    after === 'added' && before === ''
      ? 'added'
      : before === 'removed' && after === ''
        ? 'removed'
        : `${before === '' ? '(none)' : before} -> ${after === '' ? '(none)' : after}`;
  return `${directive}: ${change}${effectTexts[effect]}`;
}

/** A change as lines for people, one for each directive. */
export function describeChange(change: ConfigChange): string[] {
  switch (change.kind) {
    case 'root':
      return change.differences.map(differenceText);
    case 'vhost-added':
      return [`vhost ${change.vhost.name}: added`];
    case 'vhost-removed':
      return [`vhost ${change.vhost.name}: removed, its clients are disconnected`];
    case 'vhost-changed':
      return change.differences.map(
        (difference) => `vhost ${change.after.name}: ${differenceText(difference)}`,
      );
  }
}
