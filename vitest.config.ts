import { defineConfig } from 'vitest/config';

/** The workspace's packages are tested from their sources: no build has to run before the unit tests. */
const conditions = ['sluice-source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'], exclude: ['**/*.test.ts'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'bench/**/*.test.ts'],
          setupFiles: ['test/harness/unit-setup.ts'],
          expect: { poll: { timeout: 30_000 } },
          // On a machine that has other work, too, thousands of rounds take their time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/harness/setup.ts'],
          // Most of a test is real time that passes. Its waits have limits of their own, which say more.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxConcurrency: 8,
          maxWorkers: 2,
        },
      },
    ],
  },
});
