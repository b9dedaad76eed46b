// Where the tests are, and how long one may take before it counts as hung.
import process from 'node:process';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    // Real processes share two cores there: what fails once and then passes is marked `retry x1`, and is to be looked at.
    retry: process.env.CI === undefined ? 0 : 1,
    pool: 'forks',
    // A second is soon over on a busy machine; what is there at once is not waited for.
    expect: { poll: { timeout: 30_000 } },
  },
});
