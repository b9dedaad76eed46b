// What stable did beside a candidate serves the stages after it that leave no device on stable: over restarts, and for that stable alone.
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../src/contract/digest.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { RolloutPolicy, RolloutStatus } from '../../src/documents/types.generated.ts';
import { WindowMeasurement } from '../../src/measurement/window-measurement.ts';
import { WindowKeeping } from '../../src/reconcile/prepare-windows.ts';
import { eitherArm, enrolled, folder, interval, NOW, openStore, report, STABLE, spec } from '../store/reports.ts';

const CANDIDATE = `sha256:${'c'.repeat(64)}` as Digest;
const OTHER = `sha256:${'d'.repeat(64)}` as Digest;
const NAME = 'invoice-ocr-eu';

function policyOf(): RolloutPolicy {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: p }
spec:
  appliesTo: { rollouts: ['*'] }
  stages:
    - { name: canary, size: { devices: 1 }, soak: 1m, rules: ['error_rate < 2x baseline, floor 0.1%'] }
    - { name: full, size: 100%, soak: 1m }
`;
  const parsed = parseDocument('policies/p.yaml', Buffer.from(text));
  if (parsed.kind !== 'parsed' || parsed.document.kind !== 'RolloutPolicy') throw new Error(JSON.stringify(parsed));
  return parsed.document;
}

function statusOf(stage: string, opened: number, stable: Digest): RolloutStatus {
  return {
    ...{ revision: opened, opened, state: 'rolling', stage, since: '2026-11-20T10:00:00Z' },
    candidate: { version: '2', digest: CANDIDATE, attempt: 1, parameters: {} },
    stable: { version: '1', digest: stable, parameters: {}, target: 'region:eu-west' },
    ...{ target: 'region:eu-west', policy: OTHER, salt: 's', cohort: { cut: BUCKETS, select: null, devices: [] } },
    ...{ limits: [], rejected: [], previous: [], attempts: [], paused: null },
    evidence: `evidence/${NAME}/${opened}-a-b.json`,
  };
}

/** Tells what a canary measured, restarts, opens the last stage, and gives the baseline that its rule is held against. */
async function baselineInFull(stableInFull: Digest) {
  using place = folder();
  await using store = openStore(place.file);
  const epoch = await enrolled(store, 'd1');
  const policy = policyOf();
  const question = (stage: string, opened: number, stable: Digest) => ({
    ...{ name: NAME, model: 'invoice-ocr', status: statusOf(stage, opened, stable), policy, classes: [] },
  });
  await store.keepEntries([
    ...eitherArm(spec()),
    ...eitherArm(spec({ openedRevision: 6, candidateDigest: CANDIDATE })),
  ]);
  const windows = new WindowMeasurement(store, 60_000);
  await new WindowKeeping(store, windows).open(question('canary', 5, STABLE), { devices: [], deviceCount: 1 }, NOW);
  const told = interval({ arm: 'stable', digest: STABLE, inferences: 1000, errors: { runtime: 10 } });
  await store.ingest([{ report: report({ epoch, intervals: [told] }), receivedAtMs: NOW }]);
  const restarted = new WindowMeasurement(store, 60_000);
  await new WindowKeeping(store, restarted).open(
    question('full', 6, stableInFull),
    { devices: [], deviceCount: 1 },
    NOW,
  );
  const candidate = interval({ revision: 6, digest: CANDIDATE, inferences: 1000, errors: { runtime: 10 } });
  await store.ingest([{ report: report({ epoch, sequence: 2, intervals: [candidate] }), receivedAtMs: NOW }]);
  const { devices } = await store.readFleet();
  const measured = await restarted.measure({
    ...question('full', 6, stableInFull),
    ...{ devices: [...devices.values()], deviceCount: 1, listenedMs: 0, now: NOW },
  });
  return measured.verdict?.rules[0]?.baseline ?? null;
}

describe('the baseline of a stage without stable devices', () => {
  test('is what stable did beside the candidate before, also after a restart', async () => {
    expect(await baselineInFull(STABLE)).toMatchObject({ devices: 1 });
  });

  test('is none when another version is stable meanwhile', async () => {
    expect(await baselineInFull(OTHER)).toBeNull();
  });
});
