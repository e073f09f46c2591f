import { describe, expect, it } from 'vitest';

import { referAllows } from './refer.ts';

const config = { enabled: true, all: [], play: ['github.com', '.github.io'], publish: [] };

describe('refer (R035)', () => {
  it.each([
    ['https://github.com/ossrs', true],
    ['https://www.GitHub.com:8080/x', true],
    ['https://ossrs.github.io/player', true],
    ['https://evilgithub.com/', false],
    ['https://github.com.evil.org/', false],
    ['', false],
    ['not a url', false],
  ])('R035 %s -> %s', (page, allowed) => {
    expect(referAllows(config, 'play', page)).toBe(allowed);
  });

  it('R035 an empty list, or refer off, allows everyone', () => {
    expect(referAllows(config, 'publish', '')).toBe(true);
    expect(referAllows(config, 'all', 'https://evil.org')).toBe(true);
    expect(referAllows({ ...config, enabled: false }, 'play', '')).toBe(true);
  });
});
