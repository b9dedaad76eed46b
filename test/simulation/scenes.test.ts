// The stories of kiosks and of a keyboard, over seeds: what is found when, on which devices, and that nothing else is taken back.
import { describe, expect, test } from 'vitest';
import type { Rehearsal } from '../../src/simulation/rehearsal-order.ts';
import type { Scenario } from '../../src/simulation/scenario.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { rehearsed } from './rehearsed.ts';

function policyOf(stages: string) {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: scene }
spec:
  appliesTo: { rollouts: ["*"] }
  stages: [${stages}]
`;
  return parsePolicy('scene.yaml', Buffer.from(text));
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7];

/** Ten kiosks of 20 answers a minute, and 90 devices beside them: half a point of confidence a minute from the second minute on. */
const KIOSKS: Scenario = {
  ...findScenario('kiosks'),
  population: {
    ...findScenario('kiosks').population,
    special: (index) =>
      index % 10 === 7 ? { labels: { site: 'warehouse' }, trafficFactor: 0.5 } : { labels: { site: 'mall' } },
  },
};
/** True drift passes 0.1 after 10 minutes of a device, and all have the version within a minute. */
const BROKEN_AT = 11;

function kiosks(rule: string, onCourse: string, seed: number, scenario = KIOSKS): Promise<Rehearsal> {
  const canary = `{ name: canary, select: "site:warehouse", soak: 30m, onCourse: ${onCourse}, rules: [failed_devices < 5%, ${rule}] }`;
  const policy = policyOf(`${canary}, { name: full, size: 100%, rules: [failed_devices < 5%] }`);
  return rehearsed('kiosks', { scenario, policy, seed, devices: 100, hours: 2 });
}

describe('kiosks that grow less sure', () => {
  test.each([
    ['confidence_loss < 10%', 'rollback', 3],
    ['confidence_drift < 0.1', 'rollback', 3],
    ['confidence_loss < 10%', 'hold', 9],
    ['confidence_drift < 0.1', 'hold', 9],
  ])(
    'by %s with onCourse: %s are reverted within %d min of the broken limit, and restored in seconds',
    {
      timeout: 120_000,
    },
    async (rule, onCourse, minutes) => {
      const found: number[] = [];
      for (const seed of SEEDS) {
        const rehearsal = await kiosks(rule, onCourse, seed);
        expect(rehearsal).toMatchObject({ outcome: 'reverted', stage: 'canary', devicesExposed: 10, breaches: [] });
        expect(rehearsal.minutesToRestore).toBeLessThan(0.5);
        expect(rehearsal.minutesToRevert).toBeLessThan(BROKEN_AT + minutes + 4);
        found.push(rehearsal.minutesToRevert!);
      }
      expect(middle(found)).toBeLessThanOrEqual(BROKEN_AT + minutes);
    },
  );

  test.each(SEEDS.slice(0, 3))('and such that stay as sure as they were get the version (seed %i)', async (seed) => {
    const scenario = { ...KIOSKS, isBad: false, candidate: () => ({}) };
    const rehearsal = await kiosks('confidence_loss < 10%', 'rollback', seed, scenario);
    expect(rehearsal).toMatchObject({ outcome: 'completed', breaches: [] });
  });
});

const RULES = [
  '{ rule: failed_devices < 5%, by: os }',
  'undelivered_devices < 5% after 30m',
  '"latency_p50 < 50ms"',
  'error_rate < 1%',
].join(', ');

describe('a keyboard that crashes on one system', () => {
  const KEYBOARD = findScenario('keyboard');
  const policy = policyOf(`
    { name: canary, select: "channel:beta", soak: 10m, rules: [${RULES}] },
    { name: ramp, size: 25%, soak: 10m },
    { name: full, size: 100%, soak: 10m, rules: [${RULES}, download_tries > 99.9%] }`);

  test.each(SEEDS.slice(0, 3))(
    'passes where no device has it, and is reverted as its fault in the ramp (seed %i)',
    async (seed) => {
      const rehearsal = await rehearsed('keyboard', { policy, seed });
      expect(rehearsal).toMatchObject({ outcome: 'reverted', stage: 'ramp', breaches: [] });
      expect(rehearsal.timeline.findLast(({ kind }) => kind === 'step')?.text).toContain('failed_devices on os:12');
      expect(rehearsal.devicesExposed).toBeLessThanOrEqual(120);
      expect(rehearsal.minutesToRestore).toBeLessThan(0.5);
    },
  );

  test('reaches every device once it is fixed, with all downloads done and answers within 50 ms', async () => {
    const scenario = { ...KEYBOARD, isBad: false, candidate: () => ({}) };
    const rehearsal = await rehearsed('keyboard', { policy, scenario });
    expect(rehearsal).toMatchObject({ outcome: 'completed', devicesExposed: 400, breaches: [] });
    const end = rehearsal.timeline.findLast(({ kind }) => kind === 'step')?.more.join('\n');
    expect(end).toMatch(/undelivered_devices +0 of 400 +< 5% after 30m +pass/);
    expect(end).toMatch(/download_tries +100% .*> 99.9% +pass/);
    expect(end).toMatch(/latency_p50 .*< 50ms +pass/);
  });
});
