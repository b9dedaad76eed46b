// Proves that a service on a repository given by path sees a commit without asking for it: it polls once an hour here.
import process from 'node:process';
import { expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createStageSet, removeStageSet } from '../../src/cli/demo/stage-set.ts';
import { startService } from '../../src/cli/start-service.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;

test('a commit in a local repository starts a cycle', { timeout: 300_000 }, async () => {
  await using disposables = new AsyncDisposableStack();
  const set = await createStageSet({ nowMs: Date.now() });
  disposables.defer(() => removeStageSet(set));
  disposables.use(set);
  const ci = await set.clone('ci');
  const push = (note: string): Promise<string> => {
    const text = `apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {} # ${note}\n`;
    return ci.push(note, async () => new Map([['slipway.yaml', text]]));
  };
  await push('zero');
  const service = disposables.use(
    await startService({
      settings: {
        ...{ home: set.home, repository: set.repository, branch: 'main', credentials: null, insecureHttp: false },
        ...{ host: '127.0.0.1', port: 0, hookSecret: null, viewerToken: null },
        ...{ reportIntervalMs: 60_000, heartbeatMs: 2_000, leaseMs: 15_000 },
        reconciler: { pollMs: HOUR_MS, tickMs: HOUR_MS, emergencyAfterMs: 120_000 },
        environment: process.env,
      },
      ...{ clock: new SystemClock(), random: seededRandom('local', 'service'), logger: silentLogger },
    }),
  );
  const { reconciler } = service.composed;
  const source = () => reconciler.view().source;
  for (const note of ['one', 'two', 'three']) {
    const commit = await push(note);
    await until(() => {
      const state = source();
      return state.kind === 'followed' && state.commit === commit;
    }, source);
  }
  expect(source().kind).toBe('followed');
});
