// What comes in bursts on stable in the steady state delays the passes of the stages after it: in small fleets and in large ones, errors and slow answers alike.
import { expect, test } from 'vitest';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { RolloutStatus } from '../../src/documents/types.generated.ts';
import { WindowMeasurement } from '../../src/measurement/window-measurement.ts';
import { WindowKeeping } from '../../src/reconcile/prepare-windows.ts';
import { policyOf } from '../rollout/false-world.ts';
import {
  CANDIDATE,
  eitherArm,
  enrolled,
  folder,
  interval,
  NOW,
  openStore,
  report,
  STABLE,
  spec,
} from '../store/reports.ts';

const NAME = 'invoice-ocr-eu';
const MINUTE = 60_000;
const DEVICES = 10;
const REST_MINUTES = 30;
const INFERENCES = 60;
const FAST = 100;
const SLOW = 300;

const POLICY = policyOf("- { name: full, size: 100%, rules: ['error_rate < 2%', 'latency_p99 < 150ms'] }");

function questionOf(opened: number, candidate: RolloutStatus['candidate']) {
  const status: RolloutStatus = {
    ...{ revision: opened, opened, state: candidate ? 'rolling' : 'idle', stage: candidate ? 'full' : null, candidate },
    since: new Date(NOW).toISOString(),
    stable: { version: '1', digest: STABLE, parameters: {}, target: 'region:eu-west' },
    ...{ target: 'region:eu-west', policy: STABLE, salt: 's', cohort: { cut: BUCKETS, select: null, devices: [] } },
    ...{ limits: [], rejected: [], previous: [], attempts: [], paused: null },
    evidence: `evidence/${NAME}/${opened}-a-b.json`,
  };
  return { name: NAME, model: 'invoice-ocr', status, policy: POLICY, classes: [] };
}

/** What the rules of a calm stage say after a steady state in which every tenth report of a device is half bad, or none is. */
async function afterRest(order: { readonly deviceCount: number; readonly hasBursts: boolean }) {
  using place = folder();
  await using store = openStore(place.file);
  const windows = new WindowMeasurement(store, MINUTE);
  const keeping = new WindowKeeping(store, windows);
  const ids = Array.from({ length: DEVICES }, (_, d) => `d${d}`);
  const epochs = await Promise.all(ids.map((id) => enrolled(store, id)));
  const { deviceCount } = order;
  await store.keepEntries(eitherArm(spec({ openedRevision: 4 })));
  const tell = async (minute: number, revision: number, bad: (device: number) => number): Promise<void> => {
    const arm = revision === 4 ? ({ arm: 'stable', digest: STABLE } as const) : { digest: CANDIDATE };
    const told = ids.map((device, d) => {
      const buckets: [number, number][] = [[FAST, INFERENCES - bad(d)]];
      if (bad(d) > 0) buckets.push([SLOW, bad(d)]);
      const errors = bad(d) > 0 ? { runtime: bad(d) } : {};
      const counts = { inferences: INFERENCES, errors, unknown: 0, latencyMs: { zero: 0, buckets } };
      const one = interval({ ...counts, ...arm, revision });
      return {
        report: report({ device, epoch: epochs[d] ?? 0, sequence: minute, intervals: [one] }),
        receivedAtMs: NOW + minute * MINUTE,
      };
    });
    expect(new Set(await store.ingest(told))).toEqual(new Set(['accepted']));
  };
  await keeping.open(questionOf(4, null), { devices: [], deviceCount }, NOW);
  for (let minute = 1; minute <= REST_MINUTES; minute++) {
    await tell(minute, 4, (d) => (order.hasBursts && (minute + d) % 10 === 0 ? INFERENCES / 2 : 0));
  }
  const rolling = questionOf(5, { version: '2', digest: CANDIDATE, attempt: 1, parameters: {} });
  await keeping.open(rolling, { devices: [], deviceCount }, NOW);
  for (let minute = REST_MINUTES + 1; minute <= REST_MINUTES + 3; minute++) await tell(minute, 5, () => 0);
  const devices = [...(await store.readFleet()).devices.values()];
  const { verdict } = await windows.measure({ ...rolling, devices, deviceCount, listenedMs: 0, now: NOW });
  return verdict?.rules ?? [];
}

test.each([DEVICES, 5000])('a stage of a fleet of %d passes later, and says why', async (deviceCount) => {
  for (const rule of await afterRest({ deviceCount, hasBursts: false })) expect(rule.verdict, rule.rule).toBe('pass');
  for (const { rule, verdict, reasons } of await afterRest({ deviceCount, hasBursts: true })) {
    expect([rule, verdict]).toEqual([rule, 'undecided']);
    expect(reasons).toMatchObject([{ kind: 'bursts' }]);
  }
});
