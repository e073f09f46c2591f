import { describe, expect, it } from 'vitest';
import { nodeVersionProblem } from './node-version.ts';

describe('the version of Node', () => {
  it.each(['20.19.0', '20.20.1', '21.0.0', '24.11.1', '100.0.0'])('%s will do', (version) => {
    expect(nodeVersionProblem(version)).toBeUndefined();
  });

  it.each(['18.20.8', '20.18.3', '0.12.18', '12.22.12', ''])(
    '%s is refused, with both versions',
    (version) => {
      expect(nodeVersionProblem(version)).toBe(`Sluice needs Node 20.19 or newer; this is ${version}`);
    },
  );
});
