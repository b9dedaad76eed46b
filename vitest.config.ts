// Where the tests are, how long one may take before it counts as hung, and which files share a worker.
import process from 'node:process';
import { configDefaults, defineConfig } from 'vitest/config';

/** Pure rooms keep nothing in the process: their files run one after another in the same worker, which starts and loads the code once. */
const SHARING = 'test/{contract,documents,telemetry,gates,rollout,wording}/**/*.test.ts';

export default defineConfig({
  test: {
    setupFiles: ['test/support/property-seed.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    // Real processes share two cores there: what fails once and then passes is marked `retry x1`, and is to be looked at.
    retry: process.env.CI === undefined ? 0 : 1,
    pool: 'forks',
    // A second is soon over on a busy machine; what is there at once is not waited for.
    expect: { poll: { timeout: 30_000 } },
    // Run in the order of their names, so that the long ones start first.
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, SHARING] },
      },
      { extends: true, test: { name: 'sharing', include: [SHARING], isolate: false } },
    ],
  },
});
