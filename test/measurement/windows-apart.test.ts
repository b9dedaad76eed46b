// What devices of a group that stands apart do is measured in neither arm, and makes no group of its own.
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
const POLICY = policyOf('- { name: full, size: 100%, rules: [{ rule: error_rate < 50%, by: hw }] }');
const COHORT = { cut: BUCKETS, select: null, devices: [] };

function question(kind: 'held' | 'behind') {
  const exception = { group: 'hw:rev2', kind, cohort: kind === 'held' ? COHORT : null, stable: null };
  const status: RolloutStatus = {
    ...{ revision: 5, opened: 5, stage: 'full', since: '2026-11-20T10:00:00Z' },
    state: 'rolling',
    candidate: { version: '2', digest: CANDIDATE, attempt: 1, parameters: {} },
    stable: { version: '1', digest: STABLE, parameters: {}, target: '*' },
    ...{ target: '*', policy: STABLE, salt: 's', cohort: COHORT, limits: [], rejected: [], paused: null },
    evidence: 'evidence/invoice-ocr-eu/5-a-b.json',
    exceptions: [{ ...exception, reason: { kind: 'aborted' }, evidence: '', since: '2026-11-20T10:00:00Z' }],
  };
  return { name: NAME, model: 'invoice-ocr', status, policy: POLICY, classes: [] };
}

/** Inferences that count for the candidate, of 10 on rev1 and 10 on rev2, and the groups that they count in. */
async function counted(kind: 'held' | 'behind') {
  using place = folder();
  await using store = openStore(place.file);
  const hardware = { d1: 'rev1', d2: 'rev2' };
  const told = async (sequence: number): Promise<void> => {
    for (const [device, hw] of Object.entries(hardware)) {
      const labels = { region: 'eu-west', hw };
      const one = report({ device, epoch: epochs[device] ?? 0, sequence, labels, intervals: [interval()] });
      await store.ingest([{ report: one, receivedAtMs: NOW }]);
    }
  };
  const epochs: Record<string, number> = {};
  for (const [device, hw] of Object.entries(hardware))
    epochs[device] = await enrolled(store, device, 'key', { region: 'eu-west', hw });
  await store.keepEntries(eitherArm(spec()));
  await told(1);
  const windows = new WindowMeasurement(store, 60_000);
  const devices = [...(await store.readFleet()).devices.values()];
  await new WindowKeeping(store, windows).open(question(kind), { devices, deviceCount: 2 }, NOW);
  await told(2);
  const reading = await store.readWindow(NAME, 5);
  const measured = await windows.measure({
    ...question(kind),
    ...{ devices, deviceCount: 2, listenedMs: 0, now: NOW },
  });
  return {
    inferences: reading?.tallies.candidate.summary.inferences,
    groups: measured.verdict?.rules[0]?.groups?.map(({ name }) => name),
    apart: measured.cohort?.apart,
  };
}

test('a group that is held counts in neither arm', async () => {
  expect(await counted('held')).toEqual({ inferences: 10, groups: ['hw:rev1', 'hw:(others)'], apart: 1 });
});

test('a group that is only behind counts with the others', async () => {
  expect(await counted('behind')).toEqual({ inferences: 20, groups: ['hw:rev1', 'hw:rev2', 'hw:(others)'], apart: 0 });
});
