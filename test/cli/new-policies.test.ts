// Laws of the policies that people begin with: none warns about itself, and no one device takes a version back unless it says so.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NEW_POLICIES, POLICY_TEXTS } from '../../src/cli/new-policies.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { metricKind } from '../../src/gates/metric-kind.ts';
import { warningsOf } from '../../src/rollout/plan-warnings.ts';
import { failedRules, failureOf } from '../../src/rollout/rule-failure.ts';
import { planOf } from '../../src/rollout/stage-plan.ts';
import { stagesOf, wantedDevices } from '../../src/rollout/stages-of-policy.ts';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { warningInWords } from '../../src/wording/plan-warnings-in-words.ts';
import { alike, arm, ask, repeat } from '../gates/false-evidence.ts';

const policies = NEW_POLICIES.map((name) => ({
  name,
  policy: parsePolicy(`policies/${name}.yaml`, Buffer.from(POLICY_TEXTS[name])),
}));
const example = (name: string): URL => new URL(`../../examples/manifests/policies/${name}.yaml`, import.meta.url);

describe.each(policies)('$name', ({ name, policy }) => {
  test.each([5, 21, 50, 500, 10_000])('warns of nothing on %i devices, at their traffic or at any', (devices) => {
    const warnings = [60, null].flatMap((perMinute) => warningsOf(planOf(policy, { devices, perMinute })));
    expect(warnings.map(warningInWords)).toEqual([]);
  });

  test.skipIf(name === 'careful')('is the one of the examples', () => {
    expect(parsePolicy(`policies/${name}.yaml`, readFileSync(example(name)))).toEqual(policy);
  });
});

/** What one device does to a stage: it failed, has not got the file, errs always. */
function actionsOfOneDevice(text: string, devices: number): Map<string, string | undefined> {
  const policy = parsePolicy('policies/one.yaml', Buffer.from(text));
  const found = stagesOf(policy).map((stage): [string, string | undefined] => {
    const size = wantedDevices(stage, devices);
    const names = Array.from({ length: size }, (_, i) => `d${i}`);
    const rules = stage.rules.filter(({ rule }) => ['rate', 'share'].includes(metricKind(rule.metric).kind));
    const verdict = judgeStage(
      ask({
        rules,
        candidate: arm([repeat(20, [60, 60]), ...alike(size - 1, repeat(20, [60, 0]))]),
        installs: { bad: 1, good: size - 1, pending: 0 },
        deliveries: () => ({
          names,
          devices: names.map((_, i) => ({ heardAtMs: 0, gotAtMs: i === 0 ? null : 1 })),
          nowMs: 3_600_000,
        }),
      }),
    );
    const failed = failedRules({ verdict });
    return [stage.name, failed.length === 0 ? undefined : (failureOf(stage, failed).action ?? 'rollback')];
  });
  return new Map(found);
}

describe('one bad device', () => {
  test.each(['careful', 'standard', 'urgent'] as const)(
    'takes no version of %s back, and stops no stage of 21',
    (name) => {
      for (const devices of [3, 5, 20, 21, 50, 500, 10_000]) {
        const actions = actionsOfOneDevice(POLICY_TEXTS[name], devices);
        for (const [stage, action] of actions) {
          const size = wantedDevices(
            stagesOf(policies.find((one) => one.name === name)!.policy).find((one) => one.name === stage)!,
            devices,
          );
          expect({ devices, stage, action }).toEqual({ devices, stage, action: size < 21 ? 'pause' : undefined });
        }
      }
    },
  );

  test('may take back a version of quick, which says so', () => {
    expect(actionsOfOneDevice(POLICY_TEXTS.quick, 1).get('canary')).toBe('rollback');
    expect(POLICY_TEXTS.quick).toContain('one device alone can take a version back');
  });
});

test('quick takes a good version to all of five devices within a few minutes', async () => {
  const { policy } = policies.find(({ name }) => name === 'quick')!;
  for (const devices of [3, 5]) {
    const order = { policy, scenario: findScenario('good'), devices, seed: 7, hours: 0.2 };
    expect(await rehearse(order)).toMatchObject({ outcome: 'completed' });
  }
});
